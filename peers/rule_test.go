package peers_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func (h *house) resource(name string, prefixes ...string) portal.Resource {
	h.t.Helper()
	r, err := h.s.CreateResource(h.ctx(), h.admin, peers.ResourceInput{Name: name, Prefixes: prefixes, Transport: portal.AnyTransport})
	h.ok(err)
	return r
}

func (h *house) rule(name string, groups []portal.GroupID, resources ...portal.ResourceID) portal.Rule {
	h.t.Helper()
	r, err := h.s.CreateRule(h.ctx(), h.admin, peers.RuleInput{Name: name, Reason: "test", Action: portal.Allow, Groups: groups, Resources: resources})
	h.ok(err)
	return r.Rule
}

// written returns the keys that were written to the feed log while fn ran.
func (h *house) written(fn func()) []string {
	h.t.Helper()
	head := func() (head uint64) {
		h.tx(func(tx *store.Tx) (err error) { head, _, err = tx.Revision(); return err })
		return head
	}
	before := head()
	fn()
	var keys []string
	h.tx(func(tx *store.Tx) error {
		return tx.Since(before, func(o store.Object) error {
			kind, _, _ := strings.Cut(o.Key, "/")
			if o.Gone {
				kind = "-" + kind
			}
			keys = append(keys, kind)
			return nil
		})
	})
	if int(head()-before) != len(keys) {
		h.t.Errorf("%d revisions for %d keys: something was written twice", head()-before, len(keys))
	}
	return keys
}

func TestChangeCostsWhatItTouches(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		git := h.resource("git", "10.20.1.0/24")
		eng, err := h.s.CreateGroup(h.ctx(), h.admin, "eng")
		h.ok(err)
		all := []portal.GroupID{portal.Everyone}
		rule := h.rule("git", all, git.ID)
		for i := range 5 {
			h.device(h.mina, fmt.Sprint(i))
		}
		h.ok(h.s.SetMember(h.ctx(), h.admin, eng.ID, h.jun.User, true))
		his := h.device(h.jun, "his")
		input := func(groups []portal.GroupID, action portal.Action) peers.RuleInput {
			return peers.RuleInput{Name: "git", Reason: "test", Action: action, Groups: groups, Resources: []portal.ResourceID{git.ID}}
		}
		named := func(name string, groups []portal.GroupID, people ...portal.UserID) peers.RuleInput {
			in := input(groups, portal.Allow)
			in.Name, in.People = name, people
			return in
		}
		var more portal.Rule
		idle, err := h.s.CreateGroup(h.ctx(), h.admin, "idle")
		h.ok(err)
		must := func(_ any, err error) { h.ok(err) }
		for _, c := range []struct {
			name string
			do   func()
			want string
		}{
			{"rule edited", func() { must(h.s.UpdateRule(h.ctx(), h.admin, rule.ID, input(all, portal.Deny))) }, "rule"},
			{"rule saved as it is", func() { must(h.s.UpdateRule(h.ctx(), h.admin, rule.ID, input(all, portal.Deny))) }, ""},
			{"resource edited", func() {
				must(h.s.UpdateResource(h.ctx(), h.admin, git.ID, peers.ResourceInput{Name: "git", Prefixes: []string{"10.20.2.0/24"}, Transport: portal.UDP}))
			}, "rule"},
			{"resource renamed", func() {
				must(h.s.UpdateResource(h.ctx(), h.admin, git.ID, peers.ResourceInput{Name: "Git!", Prefixes: []string{"10.20.2.0/24"}, Transport: portal.UDP}))
			}, ""},
			{"the first rule of a group", func() { more = h.rule("more", []portal.GroupID{eng.ID}, git.ID) }, "rule"},
			{"a rule that comes to be for everyone, and its group's no more", func() {
				must(h.s.UpdateRule(h.ctx(), h.admin, more.ID, named("more", all)))
			}, "rule"},
			{"a rule that comes to name a person", func() {
				must(h.s.UpdateRule(h.ctx(), h.admin, more.ID, named("more", all, h.jun.User)))
			}, "sig entry -sig"},
			{"a rule that names nobody any more", func() {
				must(h.s.UpdateRule(h.ctx(), h.admin, more.ID, named("more", all)))
			}, "sig entry -sig"},
			{"a rule for everyone deleted", func() { h.ok(h.s.DeleteRule(h.ctx(), h.admin, more.ID)) }, "-rule"},
			{"a person joins a group without rules", func() { h.ok(h.s.SetMember(h.ctx(), h.admin, idle.ID, h.jun.User, true)) }, "sig entry -sig"},
			{"that group is deleted", func() { h.ok(h.s.DeleteGroup(h.ctx(), h.admin, idle.ID)) }, "sig entry -sig"},
			{"rule for a group without people", func() {
				empty, err := h.s.CreateGroup(h.ctx(), h.admin, "empty")
				h.ok(err)
				h.rule("nobody", []portal.GroupID{empty.ID}, git.ID)
			}, "rule"},
			{"device of somebody with the same rights", func() { h.device(h.mina, "one more") }, "entry"},
			{"device renamed", func() { must(h.s.RenameDevice(h.ctx(), h.jun, his.ID, "renamed")) }, ""},
			{"key replaced", func() { must(h.s.ReplaceKey(h.ctx(), h.jun, his.ID, newKey(t).String())) }, "entry"},
			{"last device with its rights revoked", func() { must(h.s.RevokeDevice(h.ctx(), h.jun, his.ID)) }, "-entry -sig"},
			{"profile sends everything: clients of OpenVPN are told", func() {
				must(h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, peers.ProfileInput{Name: "Work", Mode: portal.Full}))
			}, "profile"},
			{"profile renamed", func() {
				must(h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, peers.ProfileInput{Name: "Work!", Mode: portal.Full}))
			}, ""},
			{"profile served elsewhere", func() {
				must(h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, peers.ProfileInput{Name: "Work!", Mode: portal.Full, PoPs: []portal.PoPID{h.pop.ID}}))
			}, "profile"},
		} {
			if got := strings.Join(h.written(c.do), " "); got != c.want {
				t.Errorf("%s: wrote %q, want %q", c.name, got, c.want)
			}
			if err := h.sameAsCompiled(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
}

func TestRuleIsItsDestinations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		web, err := h.s.CreateResource(h.ctx(), h.admin, peers.ResourceInput{
			Name: "web", Prefixes: []string{"10.20.0.9", "fd00:20::/64", "10.20.0.9/32"}, Transport: portal.TCP,
			Ports: []portal.PortRange{{First: 443, Last: 443}, {First: 80, Last: 81}, {First: 443, Last: 443}},
		})
		h.ok(err)
		r := h.rule("web", []portal.GroupID{portal.Everyone}, web.ID)
		v4, v6 := netip.MustParsePrefix("10.20.0.9/32"), netip.MustParsePrefix("fd00:20::/64")
		low, high := portal.PortRange{First: 80, Last: 81}, portal.PortRange{First: 443, Last: 443}
		want := []portal.Destination{
			{Prefix: v4, Transport: portal.TCP, Ports: low},
			{Prefix: v4, Transport: portal.TCP, Ports: high},
			{Prefix: v6, Transport: portal.TCP, Ports: low},
			{Prefix: v6, Transport: portal.TCP, Ports: high},
		}
		if got := h.logged().Rules[r.ID].Destinations; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		h.ok(h.s.DeleteRule(h.ctx(), h.admin, r.ID))
		if _, there := h.logged().Rules[r.ID]; there {
			t.Error("the deleted rule is still there")
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestWrongPolicyIsRefusedWithItsFields(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		resource := func(in peers.ResourceInput) error { _, err := h.s.CreateResource(h.ctx(), h.admin, in); return err }
		rule := func(in peers.RuleInput) error { _, err := h.s.CreateRule(h.ctx(), h.admin, in); return err }
		many := make([]string, 1001)
		for i := range many {
			many[i] = fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)
		}
		wantField(t, resource(peers.ResourceInput{}), "/name:required", "/transport:not_allowed", "/prefixes:required")
		wantField(t, resource(peers.ResourceInput{
			Name: "x", Transport: portal.TCP,
			Prefixes: []string{"10.0.0.1/8", "10.0.0.0/33", "::ffff:10.0.0.0/104", "fe80::1%eth0", "<script>", "", strings.Repeat("1", 10_000), "10.0.0.0/08"},
		}), "/prefixes/0:host_bits", "/prefixes/1:malformed", "/prefixes/2:malformed", "/prefixes/3:malformed", "/prefixes/4:malformed",
			"/prefixes/5:malformed", "/prefixes/6:malformed", "/prefixes/7:malformed")
		wantField(t, resource(peers.ResourceInput{Name: "x", Transport: portal.UDP, Prefixes: many}), "/prefixes:too_many")
		wantField(t, resource(peers.ResourceInput{Name: "x", Transport: portal.ICMP, Prefixes: many[:1], Ports: []portal.PortRange{{First: 1, Last: 2}}}),
			"/ports:not_allowed")
		wantField(t, resource(peers.ResourceInput{Name: "x", Transport: portal.TCP, Prefixes: many[:1], Ports: []portal.PortRange{{First: 9, Last: 2}, {}}}),
			"/ports/0:out_of_range", "/ports/1:out_of_range")
		git := h.resource("git", "10.20.1.0/24")
		wantErr(t, resource(peers.ResourceInput{Name: "git", Transport: portal.TCP, Prefixes: many[:1]}), portal.ErrDuplicate)
		wantField(t, rule(peers.RuleInput{}), "/name:required", "/action:not_allowed", "/groups:required", "/resources:required")
		wantField(t, rule(peers.RuleInput{
			Name: "r", Reason: " ", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{git.ID},
		}), "/reason:required")
		wantField(t, rule(peers.RuleInput{
			Name: "r", Reason: "x", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone, "no such"}, Resources: []portal.ResourceID{"nor this", git.ID},
		}), "/groups/1:unknown", "/resources/0:unknown")
		h.rule("uses git", []portal.GroupID{portal.Everyone}, git.ID)
		wantErr(t, h.s.DeleteResource(h.ctx(), h.admin, git.ID), peers.ErrInUse)
		wantErr(t, h.s.DeleteRule(h.ctx(), h.admin, "no such"), portal.ErrNotFound)
		wantErr(t, h.s.DeleteGroup(h.ctx(), h.admin, portal.Everyone), peers.ErrInUse)
		h.ok(h.sameAsCompiled())
	})
}

func TestRuleThatMultipliesToTooMuchIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		in := peers.ResourceInput{Name: "huge", Transport: portal.TCP}
		for i := range 1000 {
			in.Prefixes = append(in.Prefixes, fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))
		}
		for i := range 20 {
			in.Ports = append(in.Ports, portal.PortRange{First: uint16(i + 1), Last: uint16(i + 1)})
		}
		huge, err := h.s.CreateResource(h.ctx(), h.admin, in)
		h.ok(err)
		h.rule("at the limit", []portal.GroupID{portal.Everyone}, huge.ID)
		one := h.resource("one", "10.20.0.1/32")
		_, err = h.s.CreateRule(h.ctx(), h.admin, peers.RuleInput{
			Name: "over it", Reason: "x", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{huge.ID, one.ID},
		})
		wantErr(t, err, peers.ErrRuleSize)
		in.Ports = append(in.Ports, portal.PortRange{First: 99, Last: 99})
		_, err = h.s.UpdateResource(h.ctx(), h.admin, huge.ID, in)
		wantErr(t, err, peers.ErrRuleSize)
		h.ok(h.sameAsCompiled())
	})
}

func TestOnlyThoseWhoManageChangePolicy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		git := h.resource("git", "10.20.1.0/24")
		for _, by := range []portal.Actor{h.mina, {}, {Gateway: h.gateway.ID}} {
			_, err1 := h.s.Resources(h.ctx(), by)
			_, err2 := h.s.CreateResource(h.ctx(), by, peers.ResourceInput{})
			_, err3 := h.s.UpdateResource(h.ctx(), by, git.ID, peers.ResourceInput{})
			err4 := h.s.DeleteResource(h.ctx(), by, git.ID)
			_, err5 := h.s.Rules(h.ctx(), by)
			_, err6 := h.s.CreateRule(h.ctx(), by, peers.RuleInput{})
			_, err7 := h.s.UpdateRule(h.ctx(), by, "x", peers.RuleInput{})
			err8 := h.s.DeleteRule(h.ctx(), by, "x")
			_, err9 := h.s.AllProfiles(h.ctx(), by)
			_, err10 := h.s.CreateProfile(h.ctx(), by, peers.ProfileInput{})
			_, err11 := h.s.UpdateProfile(h.ctx(), by, h.profile.ID, peers.ProfileInput{})
			err12 := h.s.DeleteProfile(h.ctx(), by, h.profile.ID)
			_, err13 := h.s.Groups(h.ctx(), by)
			_, err14 := h.s.CreateGroup(h.ctx(), by, "g")
			err15 := h.s.SetMember(h.ctx(), by, "g", h.mina.User, true)
			_, err16 := h.s.Pools(h.ctx(), by)
			_, err17 := h.s.CreatePool(h.ctx(), by, "p", "", "")
			err18 := h.s.DeleteGroup(h.ctx(), by, "g")
			for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13, err14, err15, err16, err17, err18} {
				if err == nil {
					t.Errorf("call %d by %+v was allowed", i+1, by)
				} else {
					wantErr(t, err, portal.ErrForbidden)
				}
			}
		}
	})
}

func TestRuleWithPeopleTagsAndTimesIsOneObject(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		from, until := h.now.Add(time.Hour).UTC().Truncate(time.Second), h.now.Add(9*time.Hour).UTC().Truncate(time.Second)
		git := h.resource("git", "10.20.1.0/24")
		d := h.device(h.mina, "laptop")
		h.device(h.jun, "phone")
		in := peers.RuleInput{
			Name: "git for a while", Reason: "audit", Action: portal.Allow, People: []portal.UserID{h.mina.User}, Tags: []string{"Prod"},
			Conditions: peers.ConditionsInput{ValidFrom: from, ValidUntil: until, Windows: []peers.WindowInput{
				{Days: []portal.Weekday{"fri", "mon"}, Start: "22:00", End: "06:00", Zone: "Asia/Seoul"},
			}},
		}
		var rule peers.RuleView
		var err error
		if got := strings.Join(h.written(func() { rule, err = h.s.CreateRule(h.ctx(), h.admin, in) }), " "); got != "rule sig entry" {
			t.Errorf("a rule for one person wrote %q", got)
		}
		h.ok(err)
		if got := rule.Names[h.mina.User]; got != "Mina Kim" {
			t.Errorf("it names %q", got)
		}
		in.Conditions.Windows[0].Start = "21:30"
		if got := strings.Join(h.written(func() { rule, err = h.s.UpdateRule(h.ctx(), h.admin, rule.ID, in) }), " "); got != "rule" {
			t.Errorf("an edit wrote %q", got)
		}
		h.ok(err)
		tagged := peers.ResourceInput{Name: "git", Prefixes: []string{"10.20.1.0/24"}, Transport: portal.TCP, Tags: []string{"prod"}}
		if got := strings.Join(h.written(func() { _, err = h.s.UpdateResource(h.ctx(), h.admin, git.ID, tagged) }), " "); got != "rule" {
			t.Errorf("a tag wrote %q", got)
		}
		h.ok(err)
		got := h.logged().Rules[rule.ID]
		want := portal.Conditions{ValidFrom: from, ValidUntil: until, Windows: []portal.Window{
			{Days: []portal.Weekday{"mon", "fri"}, Start: 21*60 + 30, End: 6 * 60, Zone: "Asia/Seoul"},
		}}
		if !reflect.DeepEqual(got.Conditions, want) || len(got.Destinations) != 1 {
			t.Errorf("gateways are told %+v", got)
		}
		if e := h.logged().Entries[portal.EntryKey{Profile: d.Profile, Device: d.ID}]; !slices.Equal(h.logged().Signatures[e.Signature].Rules, []portal.RuleID{rule.ID}) {
			t.Errorf("the person's signature is %+v", h.logged().Signatures[e.Signature])
		}
		h.ok(h.sameAsCompiled())

		// The file says all of it, and applying it changes nothing.
		text, err := h.s.ExportPolicy(h.ctx(), h.admin)
		h.ok(err)
		changes, err := h.s.DiffPolicy(h.ctx(), h.admin, text, true)
		h.ok(err)
		if len(changes) != 0 || !strings.Contains(string(text), "Asia/Seoul") || !strings.Contains(string(text), until.Format(time.RFC3339)) {
			t.Errorf("%v\n%s", changes, text)
		}
		edited := strings.Replace(string(text), "Asia/Seoul", "Asia/Tokyo", 1)
		_, err = h.s.ApplyPolicy(h.ctx(), h.admin, []byte(edited), true)
		h.ok(err)
		want.Windows[0].Zone = "Asia/Tokyo"
		if got := h.logged().Rules[rule.ID].Conditions; !reflect.DeepEqual(got, want) {
			t.Errorf("after applying gateways are told %+v", got)
		}
		h.ok(h.sameAsCompiled())
		h.ok(h.s.DeleteRule(h.ctx(), h.admin, rule.ID))
		h.ok(h.sameAsCompiled())
	})
}

func TestWrongConditionsAreRefusedWithTheirFields(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		git := h.resource("git", "10.20.1.0/24")
		rule := func(c peers.ConditionsInput) error {
			_, err := h.s.CreateRule(h.ctx(), h.admin, peers.RuleInput{
				Name: "r", Reason: "x", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{git.ID}, Conditions: c,
			})
			return err
		}
		wantField(t, rule(peers.ConditionsInput{Windows: []peers.WindowInput{
			{Start: "9:00", End: "25:00", Zone: "Mars/Olympus"},
			{Start: "24:00", End: "12:60", Zone: "Local"},
			{Start: "08:00", End: "08:00", Zone: "Asia/Seoul", Days: []portal.Weekday{"mon", "monday"}},
			{Start: "00:00", End: "24:00", Zone: "../../etc/passwd"},
		}}), "/conditions/windows/0/start:malformed", "/conditions/windows/0/end:malformed", "/conditions/windows/0/zone:unknown",
			"/conditions/windows/1/start:malformed", "/conditions/windows/1/end:malformed", "/conditions/windows/1/zone:unknown",
			"/conditions/windows/2/days/1:not_allowed", "/conditions/windows/2/end:out_of_range", "/conditions/windows/3/zone:unknown")
		wantField(t, rule(peers.ConditionsInput{Windows: make([]peers.WindowInput, 21)}), "/conditions/windows:too_many")
		wantField(t, rule(peers.ConditionsInput{ValidFrom: h.now, ValidUntil: h.now}), "/conditions/validUntil:out_of_range")
	})
}
