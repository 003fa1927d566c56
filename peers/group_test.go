package peers_test

import (
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func (h *house) trailLength() (n uint64) {
	h.t.Helper()
	h.tx(func(tx *store.Tx) (err error) {
		n, err = tx.AuditHead()
		return err
	})
	return n
}

// A local membership is a write of its own, also while a provider gives the same one: what an admin did stays to be seen.
func TestLocalMembershipIsAuditedBesideAnothersSource(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		staff := h.group("Staff")
		h.tx(func(tx *store.Tx) error {
			_, err := tx.SetMemberships(h.mina.User, portal.SourceClaim, []string{"Staff"})
			return err
		})
		for _, step := range []struct {
			member bool
			events uint64
		}{{true, 1}, {true, 0}, {false, 1}, {false, 0}} {
			before := h.trailLength()
			changed := h.written(func() { h.ok(h.s.SetMember(h.ctx(), h.admin, staff, h.mina.User, step.member)) })
			if got := h.trailLength() - before; got != step.events {
				t.Errorf("member %v: %d events, want %d", step.member, got, step.events)
			}
			if len(changed) != 0 {
				t.Errorf("member %v: gateways hear of %v, and the claim gives the membership all the same", step.member, changed)
			}
		}
	})
}
