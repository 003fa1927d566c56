package peers_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestSuspendedPersonIsCutInTheSameTransactionAndComesBackWhole(t *testing.T) {
	for _, order := range []string{"row first", "tunnels first"} {
		t.Run(order, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				a, b, suspended := h.device(h.mina, "a"), h.device(h.mina, "b"), h.device(h.mina, "suspended")
				his := h.device(h.jun, "his")
				_, err := h.s.SuspendDevice(h.ctx(), h.mina, suspended.ID)
				h.ok(err)
				set := func(state portal.UserState, tunnels func(*store.Tx, portal.Actor, portal.UserID) error) {
					h.tx(func(tx *store.Tx) error {
						steps := []func() error{
							func() error { return tx.SetUserState(h.mina.User, state) },
							func() error { return tunnels(tx, h.admin, h.mina.User) },
						}
						if order == "tunnels first" {
							steps[0], steps[1] = steps[1], steps[0]
						}
						if err := steps[0](); err != nil {
							return err
						}
						return steps[1]()
					})
					h.ok(h.sameAsCompiled())
				}
				there := func(want map[string]bool) {
					t.Helper()
					for name, d := range map[string]peers.DeviceView{"a": a, "b": b, "suspended": suspended, "his": his} {
						if _, got := h.entry(d); got != want[name] {
							t.Errorf("%s has an entry: %v, want %v", name, got, want[name])
						}
					}
				}
				set(portal.UserSuspended, h.s.CutUser)
				there(map[string]bool{"his": true})
				_, err = h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("while suspended"))
				wantErr(t, err, portal.ErrNotFound)
				set(portal.UserActive, h.s.RestoreUser)
				there(map[string]bool{"a": true, "b": true, "his": true})
			})
		})
	}
}

func TestRenewalLetsEveryGrantOfThePersonRunAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		work := h.profile
		a := h.device(h.mina, "a")
		short, err := h.s.CreateProfile(h.ctx(), h.admin, peers.ProfileInput{Name: "Short", Mode: portal.Full, Session: time.Hour})
		h.ok(err)
		h.profile = short
		b := h.device(h.mina, "b")
		h.profile = work
		his := h.device(h.jun, "his")
		h.now = h.now.Add(20 * time.Hour) // all have ended
		n, earliest, err := h.s.RenewGrants(h.ctx(), h.mina, h.mina.User)
		if err != nil || n != 2 || !earliest.Equal(h.now.Add(time.Hour)) {
			t.Errorf("renewed %d until %s, %v; want 2 until %s", n, earliest, err, h.now.Add(time.Hour))
		}
		for i, want := range []time.Time{h.now.Add(8 * time.Hour), h.now.Add(time.Hour), his.Grant.NotAfter} {
			d := []peers.DeviceView{a, b, his}[i]
			e, _ := h.entry(d)
			v, err := h.s.Device(h.ctx(), h.admin, d.ID)
			if err != nil || !e.NotAfter.Equal(want) || !v.Grant.NotAfter.Equal(want) || v.Addr != d.Addr {
				t.Errorf("%s: entry until %s, grant until %s, %v; want %s", d.Name, e.NotAfter, v.Grant.NotAfter, err, want)
			}
		}
		h.ok(h.sameAsCompiled())
		_, _, err = h.s.RenewGrants(h.ctx(), h.jun, h.mina.User)
		wantErr(t, err, portal.ErrNotFound)
		ada := h.admin
		if n, _, err := h.s.RenewGrants(h.ctx(), ada, ada.User); n != 0 || err != nil {
			t.Errorf("without devices: renewed %d, %v", n, err)
		}
	})
}

func TestGroupsFromASignInChangeWhatThePersonReaches(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		before, _ := h.entry(d)
		sync := func(names ...string) {
			h.tx(func(tx *store.Tx) error {
				changed, err := tx.SetMemberships(h.mina.User, portal.SourceClaim, names)
				if err != nil || !changed {
					return err
				}
				return h.s.GroupsChanged(tx, h.mina, h.mina.User)
			})
			h.ok(h.sameAsCompiled())
		}
		sync("eng")
		if same, _ := h.entry(d); same.Signature != before.Signature {
			t.Error("a group that no rule names changed the signature")
		}
		groups, err := h.s.Groups(h.ctx(), h.admin)
		h.ok(err)
		r := h.rule("git", []portal.GroupID{groups[1].ID}, h.resource("git", "10.20.1.0/24").ID)
		h.ok(h.sameAsCompiled())
		with, _ := h.entry(d)
		if rules := h.logged().Signatures[with.Signature].Rules; len(rules) != 1 || rules[0] != r.ID {
			t.Errorf("rules are %v, want %s", rules, r.ID)
		}
		sync()
		if after, _ := h.entry(d); after.Signature != before.Signature {
			t.Error("leaving the group did not bring the old signature back")
		}
		if _, there := h.logged().Signatures[with.Signature]; there {
			t.Error("the signature that nobody has any more is still there")
		}
	})
}

func TestRemovedPersonLeavesNothingInTheFeed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "a")
		h.device(h.mina, "b")
		h.tx(func(tx *store.Tx) error { return h.s.RevokeAll(tx, h.admin, h.mina.User) })
		if o := h.logged(); len(o.Entries) != 0 || len(o.Signatures) != 0 {
			t.Errorf("left over: %+v", o)
		}
		if next := h.device(h.jun, "next"); next.Addr != d.Addr {
			t.Errorf("next address is %s, want the freed %s", next.Addr.V4, d.Addr.V4)
		}
		h.ok(h.sameAsCompiled())
	})
}
