package peers_test

import (
	"errors"
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
		with, _ := h.entry(d)
		groups, err := h.s.Groups(h.ctx(), h.admin)
		h.ok(err)
		r := h.rule("git", []portal.GroupID{groups[1].ID}, h.resource("git", "10.20.1.0/24").ID)
		h.ok(h.sameAsCompiled())
		if same, _ := h.entry(d); same != with {
			t.Error("a rule for the group changed the entries of its members")
		}
		if o := h.logged(); !o.Rules[r.ID].Concerns(o.Signatures[with.Signature]) {
			t.Errorf("%+v is not for %+v", o.Rules[r.ID], o.Signatures[with.Signature])
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

// An earlier version named each rule in every signature that it applied to, and rewrote the entries of a group when its first rule came.
func TestALogOfAnEarlierVersionIsWrittenAnewOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := h.rule("all", []portal.GroupID{portal.Everyone}, h.resource("git", "10.20.1.0/24").ID)
		d := h.device(h.mina, "laptop")
		h.ok(h.s.Upgrade(h.ctx())) // the first start
		h.tx(func(tx *store.Tx) error {
			e := h.logged().Entries[portal.EntryKey{Profile: d.Profile, Device: d.ID}]
			now := e.Signature
			e.Signature = "old"
			_, err1 := tx.Put(store.EntryKey(e.EntryKey), func(rev uint64) any { e.Revision = rev; return e })
			_, err2 := tx.Put(store.SignatureKey("old"), func(rev uint64) any {
				return portal.Signature{ID: "old", Rules: []portal.RuleID{r.ID}, Revision: rev}
			})
			_, err3 := tx.Drop(store.SignatureKey(now))
			err4 := tx.SetSignatures(map[portal.DeviceID]portal.SignatureID{d.ID: "old"})
			return errors.Join(err1, err2, err3, err4)
		})
		if h.sameAsCompiled() == nil {
			t.Fatal("the old form is as good as the new one")
		}
		if got := h.written(func() { h.ok(h.s.Upgrade(h.ctx())) }); len(got) > 0 {
			t.Errorf("a second start wrote %v", got)
		}
		h.tx(func(tx *store.Tx) error { return tx.SetCompiled(0) })
		h.ok(h.s.Upgrade(h.ctx()))
		h.ok(h.sameAsCompiled())
	})
}
