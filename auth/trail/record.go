package trail

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// record is an event as it leaves the portal, in files and to receivers. It has all that the hash is made of, so that the chain can be
// proved without the database.
type record struct {
	Seq       uint64          `json:"seq"`
	At        string          `json:"at"` // RFC 3339 in UTC, with exactly six digits of the second
	Actor     string          `json:"actor"`
	Action    string          `json:"action"`
	Target    string          `json:"target"`
	Detail    json.RawMessage `json:"detail"`
	Address   string          `json:"address"`
	RequestID string          `json:"requestId"`
	Prev      string          `json:"prev"`
	Hash      string          `json:"hash"`
}

// timeForm is RFC 3339 as RFC 5424, section 6.2.3 narrows it: at most microseconds, which is what is kept.
const timeForm = "2006-01-02T15:04:05.000000Z"

func formTime(t time.Time) string { return t.UTC().Format(timeForm) }

// encode returns an event as one line of JSON, without the newline.
func encode(e portal.AuditEvent) ([]byte, error) {
	r := record{e.Seq, formTime(e.At), e.Actor, e.Action, e.Target, json.RawMessage(e.Detail), e.Addr, e.RequestID, e.Prev, e.Hash}
	if !json.Valid(r.Detail) { // somebody has changed it; the chain tells
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return nil, fmt.Errorf("encode audit event %d: %w", e.Seq, err)
		}
		r.Detail = text
	}
	line, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode audit event %d: %w", e.Seq, err)
	}
	return line, nil
}
