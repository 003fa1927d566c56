package store

import (
	"bytes"
	"encoding/json"
)

// Changed is the detail of an event that changed something: all fields of what is now, and under "before" those of what was that differ.
// Neither may hold a secret.
type Changed struct{ Now, Before any }

// MarshalJSON needs both to be JSON objects.
func (c Changed) MarshalJSON() ([]byte, error) {
	now, err := object(c.Now)
	if err != nil {
		return nil, err
	}
	before, err := object(c.Before)
	if err != nil {
		return nil, err
	}
	for name, value := range before {
		if bytes.Equal(value, now[name]) {
			delete(before, name)
		}
	}
	if now["before"], err = json.Marshal(before); err != nil {
		return nil, err
	}
	return json.Marshal(now)
}

func object(v any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	return fields, json.Unmarshal(text, &fields)
}
