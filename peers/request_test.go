package peers_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// rulesOf is the rules that name the device's owner.
func (h *house) rulesOf(d peers.DeviceView) []portal.RuleID {
	h.t.Helper()
	all, err := h.s.Rules(h.ctx(), h.admin)
	h.ok(err)
	var ids []portal.RuleID
	for _, r := range all {
		if r.Concerns(d.User, nil) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func TestTemporaryAccessIsAskedForGivenOnceAndEnds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mina := h.device(h.mina, "laptop")
		approver := h.person("Approver")
		group, err := h.s.CreateGroup(h.ctx(), h.admin, "Payroll approvers")
		h.ok(err)
		h.ok(h.s.SetMember(h.ctx(), h.admin, group.ID, approver.User, true))
		in := peers.ResourceInput{Name: "Payroll", Prefixes: []string{"10.20.9.0/24"}, Transport: portal.AnyTransport, Requestable: true, Approvers: group.ID}
		res, err := h.s.CreateResource(h.ctx(), h.admin, in)
		h.ok(err)
		hidden := in
		hidden.Name, hidden.Requestable = "Hidden", false
		secret, err := h.s.CreateResource(h.ctx(), h.admin, hidden)
		h.ok(err)
		offered, err := h.s.Requestable(h.ctx(), h.mina)
		if err != nil || len(offered) != 1 || offered[0].ID != res.ID {
			t.Fatalf("offered: %+v, %v", offered, err)
		}

		_, err = h.s.AskForAccess(h.ctx(), h.mina, peers.RequestInput{Resource: res.ID, For: time.Minute})
		wantField(t, err, "/reason:required", "/seconds:out_of_range")
		ask := peers.RequestInput{Resource: res.ID, Reason: "Close the books", For: 2 * time.Hour}
		_, err = h.s.AskForAccess(h.ctx(), h.mina, peers.RequestInput{Resource: secret.ID, Reason: "x", For: time.Hour})
		wantErr(t, err, portal.ErrNotFound)
		r, err := h.s.AskForAccess(h.ctx(), h.mina, ask)
		h.ok(err)
		_, err = h.s.AskForAccess(h.ctx(), h.mina, ask)
		wantErr(t, err, peers.ErrRequestTwice)

		for who, want := range map[*portal.Actor]int{&h.mina: 0, &h.jun: 0, &h.admin: 0, &approver: 1} {
			list, err := h.s.Requests(h.ctx(), *who, peers.RequestsDecide)
			if err != nil || len(list) != want {
				t.Errorf("%s decides on %d, %v; want %d", who.User, len(list), err, want)
			}
			if w, err := h.s.Waiting(h.ctx(), *who); err != nil || w != (peers.Waiting{Requests: want}) {
				t.Errorf("for %s waits %+v, %v; want %d requests", who.User, w, err, want)
			}
		}
		_, err = h.s.ApproveRequest(h.ctx(), h.mina, r.ID, "")
		wantErr(t, err, peers.ErrOwnRequest)
		_, err = h.s.ApproveRequest(h.ctx(), h.jun, r.ID, "")
		wantErr(t, err, portal.ErrNotFound)
		_, err = h.s.ApproveRequest(h.ctx(), h.admin, r.ID, "")
		wantErr(t, err, portal.ErrForbidden)
		_, err = h.s.EndRequest(h.ctx(), h.jun, r.ID)
		wantErr(t, err, portal.ErrNotFound)

		var errs [4]error
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = h.s.ApproveRequest(h.ctx(), approver, r.ID, "until tonight") })
		}
		wg.Wait()
		gave := 0
		for _, err := range errs {
			if err == nil {
				gave++
			} else if !errors.Is(err, peers.ErrDecided) {
				t.Error(err)
			}
		}
		for who, want := range map[*portal.Actor]int{&h.mina: 0, &h.jun: 0, &h.admin: 1, &approver: 1} {
			list, err := h.s.Requests(h.ctx(), *who, peers.RequestsRun)
			if err != nil || len(list) != want || want == 1 && (list[0].ID != r.ID || !list[0].MayEnd) {
				t.Errorf("%s may end %+v, %v; want %d", who.User, list, err, want)
			}
		}
		rules := h.rulesOf(mina)
		if gave != 1 || len(rules) != 1 {
			t.Fatalf("given %d times, rules %v", gave, rules)
		}
		var rule portal.Rule
		h.tx(func(tx *store.Tx) (err error) { rule, err = tx.Rule(rules[0]); return err })
		if !rule.Conditions.ValidUntil.Equal(h.now.Add(2*time.Hour).Truncate(time.Second)) || len(rule.People) != 1 || rule.People[0] != h.mina.User || rule.Reason != "Close the books" {
			t.Errorf("the rule is %+v", rule)
		}
		h.ok(h.sameAsCompiled())
		text, err := h.s.ExportPolicy(h.ctx(), h.admin)
		if err != nil || strings.Contains(string(text), "Temporary") || !strings.Contains(string(text), "approvers: Payroll approvers") {
			t.Errorf("the policy's file, %v:\n%s", err, text)
		}

		ended, err := h.s.EndRequest(h.ctx(), h.mina, r.ID)
		if err != nil || ended.State != portal.RequestEnded || len(h.rulesOf(mina)) != 0 {
			t.Errorf("ended early: %+v, %v, rules %v", ended, err, h.rulesOf(mina))
		}
		_, err = h.s.EndRequest(h.ctx(), h.mina, r.ID)
		wantErr(t, err, peers.ErrDecided)

		h.now = h.now.Add(time.Minute) // the newest request is listed first
		again, err := h.s.AskForAccess(h.ctx(), h.mina, ask)
		h.ok(err)
		_, err = h.s.ApproveRequest(h.ctx(), approver, again.ID, "")
		h.ok(err)
		h.now = h.now.Add(3 * time.Hour)
		mine, err := h.s.Requests(h.ctx(), h.mina, peers.RequestsMine)
		if err != nil || mine[0].State != portal.RequestOver {
			t.Errorf("after its time: %+v, %v", mine[0], err)
		}
		h.ok(h.s.SweepOnce(h.ctx()))
		if rules := h.rulesOf(mina); len(rules) != 0 {
			t.Errorf("rules after a sweep: %v", rules)
		}
		third, err := h.s.AskForAccess(h.ctx(), h.mina, ask)
		h.ok(err)
		withdrawn, err := h.s.EndRequest(h.ctx(), h.mina, third.ID)
		if err != nil || withdrawn.State != portal.RequestWithdrawn {
			t.Errorf("withdrawn: %+v, %v", withdrawn, err)
		}
		_, err = h.s.ApproveRequest(h.ctx(), approver, third.ID, "")
		wantErr(t, err, peers.ErrDecided)
		test := peers.PolicyTestInput{Name: "Mina never", Person: h.mina.User, Resource: res.ID, Expect: portal.MustNotReach}
		_, err = h.s.CreatePolicyTest(h.ctx(), h.admin, test)
		h.ok(err)
		fourth, err := h.s.AskForAccess(h.ctx(), h.mina, ask)
		h.ok(err)
		_, err = h.s.ApproveRequest(h.ctx(), approver, fourth.ID, "")
		wantErr(t, err, peers.ErrTests)
		if rules := h.rulesOf(mina); len(rules) != 0 {
			t.Errorf("against a policy test: %v", rules)
		}
		h.ok(h.sameAsCompiled())
	})
}
