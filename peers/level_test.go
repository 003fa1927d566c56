package peers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestHoldsLowerAndEndByThemselves(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		phone, laptop, other := h.device(h.mina, "phone"), h.device(h.mina, "laptop"), h.device(h.jun, "other")
		level := func(d peers.DeviceView) portal.Level {
			h.t.Helper()
			e, there := h.entry(d)
			if !there {
				return portal.LevelNone
			}
			return e.Level
		}
		want := func(when string, levels ...portal.Level) {
			h.t.Helper()
			for i, d := range []peers.DeviceView{phone, laptop, other} {
				if got := level(d); got != levels[i] {
					t.Errorf("%s: %s is at %q, want %q", when, d.Name, got, levels[i])
				}
			}
			h.ok(h.sameAsCompiled())
		}
		full, low, out, none := portal.LevelFull, portal.LevelRestricted, portal.LevelQuarantine, portal.LevelNone
		view, err := h.s.SetDeviceLevel(h.ctx(), h.admin, phone.ID, peers.LevelInput{Level: low, Reason: "lost twice"})
		h.ok(err)
		if len(view.Grant.Holds) != 1 || view.Grant.Holds[0].Reason != "lost twice" || view.Revision == 0 {
			t.Errorf("view is %+v", view.Grant)
		}
		want("one device", low, full, full)
		h.ok(h.s.SetUserLevel(h.ctx(), h.admin, h.mina.User, peers.LevelInput{Level: out, Reason: "odd sign-in", Until: h.now.Add(time.Hour)}))
		want("the person", out, out, full)
		h.ok(h.s.SetUserLevel(h.ctx(), h.admin, h.mina.User, peers.LevelInput{Level: none, Reason: "odd sign-in", Until: h.now.Add(time.Hour)}))
		want("the person at none", none, none, full)
		late := h.device(h.mina, "late")
		if _, there := h.entry(late); there {
			t.Error("a device that came later has an entry")
		}
		_, _, err = h.s.RenewGrants(h.ctx(), h.mina, h.mina.User)
		h.ok(err)
		want("a renewal lifts nothing", none, none, full)
		h.tx(func(tx *store.Tx) error { // what posture will call
			_, err := peers.SetHold(tx, portal.System, portal.Hold{Source: portal.HoldByPosture, Device: other.ID, Level: out, Reason: "no disk encryption", CreatedAt: tx.Now})
			return err
		})
		want("posture", none, none, out)
		_, err = h.s.SetDeviceLevel(h.ctx(), h.admin, other.ID, peers.LevelInput{Level: full})
		h.ok(err)
		want("lifting by hand lifts no other", none, none, out)
		h.now = h.now.Add(59 * time.Minute)
		h.ok(h.s.SweepOnce(h.ctx()))
		want("before the end", none, none, out)
		h.now = h.now.Add(time.Minute)
		h.ok(h.s.SweepOnce(h.ctx()))
		want("after the end", low, full, out)
		if _, there := h.entry(late); !there {
			t.Error("the later device has no entry after the end")
		}
		_, err = h.s.SetDeviceLevel(h.ctx(), h.admin, phone.ID, peers.LevelInput{Level: full})
		h.ok(err)
		want("lifted", full, full, out)

		_, err = h.s.SetDeviceLevel(h.ctx(), h.admin, phone.ID, peers.LevelInput{Level: "sovereign", Until: h.now})
		wantField(t, err, "/level:not_allowed", "/reason:required", "/until:out_of_range")
		if _, err := h.s.SetDeviceLevel(h.ctx(), h.mina, phone.ID, peers.LevelInput{Level: full}); !errors.Is(err, portal.ErrForbidden) {
			t.Errorf("an owner set a level: %v", err)
		}
		if _, err := h.s.SetDeviceLevel(h.ctx(), h.mina, other.ID, peers.LevelInput{Level: full}); !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("somebody else's device was there: %v", err)
		}
		if err := h.s.SetUserLevel(h.ctx(), h.mina, h.mina.User, peers.LevelInput{Level: full}); !errors.Is(err, portal.ErrForbidden) {
			t.Errorf("a person set their own level: %v", err)
		}
	})
}

func TestConditionsOnTheDeviceAreCheckedAndKept(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		web := h.resource("web", "10.1.0.0/16")
		in := peers.RuleInput{Name: "r", Reason: "test", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{web.ID}}
		in.Conditions = peers.ConditionsInput{Sources: []string{"203.0.113.0/24", "2001:db8::/32"}, Countries: []string{"kr", "DE", "KR"}, Factor: 8 * time.Hour, Level: portal.LevelRestricted}
		r, err := h.s.CreateRule(h.ctx(), h.admin, in)
		h.ok(err)
		if c := r.Conditions; len(c.Sources) != 2 || len(c.Countries) != 2 || c.Countries[0] != "DE" || c.Factor != 8*time.Hour || c.Level != portal.LevelRestricted {
			t.Errorf("conditions are %+v", c)
		}
		h.ok(h.sameAsCompiled())
		text, err := h.s.ExportPolicy(h.ctx(), h.admin)
		h.ok(err)
		h.ok(h.s.DeleteRule(h.ctx(), h.admin, r.ID))
		_, err = h.s.ApplyPolicy(h.ctx(), h.admin, text, false)
		h.ok(err)
		rules, err := h.s.Rules(h.ctx(), h.admin)
		h.ok(err)
		if len(rules) != 1 || rules[0].Conditions.Factor != 8*time.Hour || len(rules[0].Conditions.Sources) != 2 || rules[0].Conditions.Level != portal.LevelRestricted {
			t.Errorf("a file brought back %+v", rules)
		}
		in.Name, in.Action = "d", portal.Deny
		_, err = h.s.CreateRule(h.ctx(), h.admin, in)
		wantField(t, err, "/conditions/factorSeconds:not_allowed", "/conditions/level:not_allowed")
		in.Action, in.Conditions = portal.Allow, peers.ConditionsInput{Sources: []string{"10.0.0.1/8"}, Countries: []string{"Korea"}, Factor: time.Second, Level: portal.LevelNone}
		_, err = h.s.CreateRule(h.ctx(), h.admin, in)
		wantField(t, err, "/conditions/sources/0:host_bits", "/conditions/countries/0:malformed", "/conditions/factorSeconds:out_of_range", "/conditions/level:not_allowed")
	})
}
