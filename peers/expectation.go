package peers

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ErrTests refuses a change after which a policy test would fail that holds now. Fields name the tests.
var ErrTests = &portal.Error{Kind: portal.Conflict, Code: "policy_tests_fail", Msg: "This change breaks a policy test. Change the test first if that is what you want."}

// ErrManyTests says that there are as many policy tests as there may be.
var ErrManyTests = &portal.Error{Kind: portal.Exhausted, Code: "policy_tests_full", Msg: "There are 200 policy tests; more are not kept."}

const maxTests = 200

// PolicyTestInput is a policy test as typed: a group or a person, a resource or one flow.
type PolicyTestInput struct {
	Name, Reason string
	Group        portal.GroupID
	Person       portal.UserID
	Resource     portal.ResourceID
	To           string
	Transport    portal.Transport
	Port         uint16
	Expect       portal.Expectation
}

// PolicyTestView is a test with what it finds now.
type PolicyTestView struct {
	portal.PolicyTest
	Result TestResult
}

// TestResult is what a test found.
type TestResult struct {
	Passes   bool
	Cut      bool          // no, since there are more than portal.MaxPoints kinds of flow and the first of them are as they should be
	Person   string        // who should not, or does not, reach the destination; "": a member of no other group
	Flow     *portal.Point // that passes or does not; nil when the test can't be judged
	Rule     string        // that lets it pass
	Unrouted bool          // rules let it pass, and no profile that is open to the person leads there
}

func (in PolicyTestInput) test(tx *store.Tx) (portal.PolicyTest, error) {
	var c check
	t := portal.PolicyTest{
		Name: c.name("/name", in.Name), Reason: c.text("/reason", in.Reason, maxDescription), Group: in.Group, Person: in.Person, Resource: in.Resource,
		Expect: oneOf(&c, "/expect", in.Expect, portal.MustReach, portal.MustNotReach),
	}
	if (in.Group == "") == (in.Person == "") {
		c.wrong("/group", "required", "Name a group or a person, not both.")
	}
	if (in.Resource == "") == (in.To == "") {
		c.wrong("/resource", "required", "Name a resource or an address, not both.")
	}
	if in.To != "" {
		q, err := ReachQuery{To: in.To, Transport: in.Transport, Port: in.Port}.question()
		if err != nil {
			c.fields = append(c.fields, fieldsOf(err)...)
		} else if !q.To.IsValid() {
			c.wrong("/to", "malformed", "Name an address.")
		}
		t.To, t.Transport, t.Port = q.To, q.Transport, q.Port
	}
	if in.Group != "" && in.Group != portal.Everyone {
		missing, err := tx.MissingGroups([]portal.GroupID{in.Group})
		if err != nil {
			return t, err
		}
		if len(missing) > 0 {
			c.wrong("/group", "unknown", "There is no such object.")
		}
	}
	if in.Person != "" {
		if _, err := tx.User(in.Person); err != nil {
			c.wrong("/person", "unknown", "There is no such object.")
		}
	}
	if in.Resource != "" {
		missing, err := tx.MissingResources([]portal.ResourceID{in.Resource})
		if err != nil {
			return t, err
		}
		if len(missing) > 0 {
			c.wrong("/resource", "unknown", "There is no such object.")
		}
	}
	return t, c.err()
}

// PolicyTests returns every test with what it finds now, by name.
func (s *Service) PolicyTests(ctx context.Context, by portal.Actor) (views []PolicyTestView, err error) {
	if !by.May(portal.AccessRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		views, err = judge(tx, nil)
		return err
	})
	return views, err
}

// CreatePolicyTest adds a test, also one that does not hold yet.
func (s *Service) CreatePolicyTest(ctx context.Context, by portal.Actor, in PolicyTestInput) (PolicyTestView, error) {
	return s.changeTest(ctx, by, func(tx *store.Tx) (portal.PolicyTest, error) {
		t, err := in.test(tx)
		if err != nil {
			return t, err
		}
		all, err := tx.PolicyTests()
		if err != nil {
			return t, err
		}
		if len(all) >= maxTests {
			return t, ErrManyTests
		}
		t.ID, t.CreatedAt = portal.NewID[portal.PolicyTestID](tx.Now), tx.Now
		if err := tx.CreatePolicyTest(t); err != nil {
			return t, err
		}
		return t, tx.Audit(by, "policy_test.create", testTarget(t.ID), testDetail(t))
	})
}

// UpdatePolicyTest replaces a test.
func (s *Service) UpdatePolicyTest(ctx context.Context, by portal.Actor, id portal.PolicyTestID, in PolicyTestInput) (PolicyTestView, error) {
	return s.changeTest(ctx, by, func(tx *store.Tx) (portal.PolicyTest, error) {
		old, err := findTest(tx, id)
		if err != nil {
			return old, err
		}
		t, err := in.test(tx)
		if err != nil {
			return t, err
		}
		t.ID, t.CreatedAt = id, old.CreatedAt
		if err := tx.UpdatePolicyTest(t); err != nil {
			return t, err
		}
		return t, tx.Audit(by, "policy_test.update", testTarget(id), store.Changed{Now: testDetail(t), Before: testDetail(old)})
	})
}

// DeletePolicyTest removes a test.
func (s *Service) DeletePolicyTest(ctx context.Context, by portal.Actor, id portal.PolicyTestID) error {
	if !by.May(portal.AccessWrite) {
		return portal.ErrForbidden
	}
	return s.inTx(ctx, func(tx *store.Tx) error {
		old, err := findTest(tx, id)
		if err != nil {
			return err
		}
		if err := tx.DeletePolicyTest(id); err != nil {
			return err
		}
		return tx.Audit(by, "policy_test.delete", testTarget(id), store.Changed{Now: named(old.Name), Before: testDetail(old)})
	})
}

func (s *Service) changeTest(ctx context.Context, by portal.Actor, fn func(tx *store.Tx) (portal.PolicyTest, error)) (view PolicyTestView, err error) {
	if !by.May(portal.AccessWrite) {
		return view, portal.ErrForbidden
	}
	err = s.inTx(ctx, func(tx *store.Tx) error {
		t, err := fn(tx)
		if err != nil {
			return err
		}
		views, err := judge(tx, []portal.PolicyTest{t})
		if err == nil {
			view = views[0]
		}
		return err
	})
	return view, err
}

func findTest(tx *store.Tx, id portal.PolicyTestID) (portal.PolicyTest, error) {
	all, err := tx.PolicyTests()
	if err != nil {
		return portal.PolicyTest{}, err
	}
	for _, t := range all {
		if t.ID == id {
			return t, nil
		}
	}
	return portal.PolicyTest{}, portal.ErrNotFound
}

func testTarget(id portal.PolicyTestID) string { return "policy_test:" + string(id) }

// testDetail is a test as the trail keeps it.
func testDetail(t portal.PolicyTest) map[string]any {
	return map[string]any{
		"name": t.Name, "reason": t.Reason, "group": t.Group, "person": t.Person, "resource": t.Resource, "to": t.To, "transport": t.Transport,
		"port": t.Port, "expect": t.Expect,
	}
}

// judge says what tests find: those given, or all when there are none given.
func judge(tx *store.Tx, tests []portal.PolicyTest) ([]PolicyTestView, error) {
	if tests == nil {
		var err error
		if tests, err = tx.PolicyTests(); err != nil || len(tests) == 0 {
			return nil, err
		}
	}
	pools, err := tx.Pools()
	if err != nil {
		return nil, err
	}
	policy, err := readPolicy(tx, pools)
	if err != nil {
		return nil, err
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return nil, err
	}
	return judgeWith(tx, policy, profiles, tests)
}

// judgeWith does the same for a policy that is not there (yet), with the people who are.
func judgeWith(tx *store.Tx, policy portal.Policy, profiles []portal.Profile, tests []portal.PolicyTest) ([]PolicyTestView, error) {
	ways := routesOf(profiles)
	type who struct {
		group  portal.GroupID
		person portal.UserID
	}
	read := map[who][]store.Subject{} // tests name the same few groups, and this runs while others wait to change policy
	views := make([]PolicyTestView, len(tests))
	for i, t := range tests {
		people, known := read[who{t.Group, t.Person}]
		if !known {
			var err error
			if people, err = tx.Subjects(t.Group, t.Person); err != nil {
				return nil, err
			}
			read[who{t.Group, t.Person}] = people
		}
		if t.Group != "" {
			people = append(slices.Clip(people), store.Subject{Groups: []portal.GroupID{t.Group}})
		}
		views[i] = PolicyTestView{t, run(policy, ways, t, people, tx.Now)}
	}
	return views, nil
}

// run judges one test for these people. Who must reach something must always reach it, and have a profile that leads there; who must not must
// never, whatever a client sends through the tunnel.
func run(policy portal.Policy, ways ways, t portal.PolicyTest, people []store.Subject, now time.Time) TestResult {
	whole, points := true, []portal.Point{{To: t.To, Transport: t.Transport, Port: t.Port}}
	if t.Resource != "" {
		i := slices.IndexFunc(policy.Resources, func(r portal.Resource) bool { return r.ID == t.Resource })
		if i < 0 {
			return TestResult{}
		}
		points, whole = portal.Points(policy.Resources[i:i+1], policy.Resources, policy.Pools)
	}
	table := policy.Table(points)
	relevant := table.Relevant()
	want, certainty := t.Expect == portal.MustReach, portal.Ever
	if want {
		certainty = portal.Always
	}
	known := map[string]bool{} // sets of rules that were looked at
	for _, p := range people {
		mine := ruleSet(table.Rules, relevant, p)
		key, led := mine.key(), [][]netip.Prefix(nil)
		if want {
			var open string
			led, open = ways.of(p.Groups)
			key += open
		}
		if known[key] {
			continue
		}
		known[key] = true
		for i := range points {
			rule, allowed := table.Allowed(i, mine.has, certainty, now)
			off := want && allowed && !leads(led, points[i].To)
			if allowed == want && !off {
				continue
			}
			r := TestResult{Person: p.Name, Flow: &points[i], Unrouted: off}
			if off {
				return r
			}
			if allowed {
				r.Rule = table.Rules[rule].Name
			}
			return r
		}
	}
	return TestResult{Passes: whole, Cut: !whole}
}

// ways is where the profiles lead, in their order.
type ways struct {
	profiles []portal.Profile
	routes   [][]netip.Prefix
}

func routesOf(profiles []portal.Profile) ways {
	w := ways{profiles, make([][]netip.Prefix, len(profiles))}
	for i, p := range profiles {
		w.routes[i] = portal.Routes(p)
	}
	return w
}

// of is where those lead that are open to somebody in these groups, and a text that is the same for the same ones.
func (w ways) of(groups []portal.GroupID) (open [][]netip.Prefix, key string) {
	var b strings.Builder
	for i, p := range w.profiles {
		if p.OpenTo(groups) {
			open = append(open, w.routes[i])
			fmt.Fprintf(&b, "/%d", i)
		}
	}
	return open, b.String()
}

func leads(open [][]netip.Prefix, to netip.Addr) bool {
	return slices.ContainsFunc(open, func(routes []netip.Prefix) bool {
		return slices.ContainsFunc(routes, func(r netip.Prefix) bool { return r.Contains(to) })
	})
}

// rules is a set of rules by index.
type rules map[int]bool

func (s rules) has(i int) bool { return s[i] }

func (s rules) key() string {
	all := make([]int, 0, len(s))
	for i := range s {
		all = append(all, i)
	}
	slices.Sort(all)
	var b strings.Builder
	for _, i := range all {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.String()
}

// ruleSet is which of the relevant rules concern somebody.
func ruleSet(all []portal.Rule, relevant []int, p store.Subject) rules {
	mine := rules{}
	for _, i := range relevant {
		if all[i].Concerns(p.ID, p.Groups) {
			mine[i] = true
		}
	}
	return mine
}

// guarded runs a change and refuses it when a policy test that held before does not hold after.
func (p *policy) guarded(fn func(p *policy) error) error {
	before, err := judge(p.tx, nil)
	if err != nil {
		return err
	}
	if err := fn(p); err != nil {
		return err
	}
	after, err := judge(p.tx, nil)
	if err != nil {
		return err
	}
	return broken(before, after)
}

// broken names the tests that do not hold after and did before, or were not there.
func broken(before, after []PolicyTestView) error {
	failed := map[portal.PolicyTestID]bool{}
	for _, v := range before {
		failed[v.ID] = !v.Result.Passes
	}
	var fields []portal.Field
	for _, v := range after {
		if !v.Result.Passes && !failed[v.ID] {
			fields = append(fields, portal.Field{Path: "/policyTests/" + v.Name, Code: "policy_test_fails", Msg: v.Result.sentence(v.PolicyTest)})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	e := *ErrTests
	e.Fields = fields
	return &e
}

// sentence says in English what a test found.
func (r TestResult) sentence(t portal.PolicyTest) string {
	if r.Cut {
		return fmt.Sprintf("%s: the resource has too many kinds of flow to judge it whole; name a smaller one.", t.Name)
	}
	if r.Flow == nil {
		return fmt.Sprintf("%s: what it names is not there.", t.Name)
	}
	who, whom := r.Person, r.Person
	if who == "" {
		who, whom = "A member of the group and of no other", "a member of the group and of no other"
	}
	to := r.Flow.To.String()
	if r.Flow.Port > 0 {
		to = netip.AddrPortFrom(r.Flow.To, r.Flow.Port).String()
	}
	if r.Unrouted {
		return fmt.Sprintf("%s: no profile that is open to %s would lead to %s.", t.Name, whom, to)
	}
	if t.Expect == portal.MustReach {
		return fmt.Sprintf("%s: %s would not reach %s (%s).", t.Name, who, to, r.Flow.Transport)
	}
	return fmt.Sprintf("%s: %s would reach %s (%s) by the rule %s.", t.Name, who, to, r.Flow.Transport, r.Rule)
}
