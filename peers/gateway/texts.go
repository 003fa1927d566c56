package gateway

import (
	"slices"

	"github.com/sallyport/sallyport/portal"
)

// texts keeps one copy of each profile, signature and level. Every decoded entry brings its own, which is a third of what it takes.
type texts map[string]string

// share returns c with entries that use the one copy. The caller's own are left as they are.
func (t *texts) share(c portal.Change) portal.Change {
	if len(c.Entries) == 0 {
		return c
	}
	c.Entries = slices.Clone(c.Entries)
	if c.Full || *t == nil {
		*t = texts{}
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		e.Profile = portal.ProfileID(t.one(string(e.Profile)))
		e.Signature = portal.SignatureID(t.one(string(e.Signature)))
		e.Level = portal.Level(t.one(string(e.Level)))
	}
	return c
}

func (t *texts) one(s string) string {
	if have, there := (*t)[s]; there {
		return have
	}
	if len(*t) >= maxTexts {
		*t = texts{} // most of them are gone from the state by now
	}
	(*t)[s] = s
	return s
}

const maxTexts = 100_000
