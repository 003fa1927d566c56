package portal

// Membership is one group of one person, and who says so.
type Membership struct {
	Group   Group
	Sources []GroupSource // sorted
}

// GroupMember is one person of one group, and who says so.
type GroupMember struct {
	User    User
	Sources []GroupSource // sorted
}

// UseKind is what kind of thing names a group.
type UseKind string

// The kinds of things that name groups.
const (
	UsedByRule         UseKind = "rule"
	UsedByProfile      UseKind = "profile"
	UsedByFactorPolicy UseKind = "factor_policy" // the group's own
	UsedByPolicyTest   UseKind = "policy_test"
	UsedByResource     UseKind = "resource" // as its approvers
)

// GroupUse is one thing that names a group.
type GroupUse struct {
	Kind UseKind
	ID   string
	Name string
}
