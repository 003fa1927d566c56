package portal

import (
	"strings"
	"time"
)

// UserState tells whether a person may use anything at all.
type UserState string

// The states of a person. Suspending one ends sessions, tokens and tunnels in the same transaction.
const (
	UserActive    UserState = "active"
	UserSuspended UserState = "suspended"
)

// User is a person. People are found by Identity (issuer + subject), never by e-mail, which is only shown.
type User struct {
	ID         UserID
	Name       string
	Email      string // as the provider last said; may be empty; not unique
	Role       Role
	State      UserState
	Locale     string // BCP 47, "" when not chosen
	CreatedAt  time.Time
	LastSignIn time.Time // zero: never
}

// Identity ties a person to an account at an OpenID provider.
type Identity struct {
	Issuer  string
	Subject string
	User    UserID
	AddedAt time.Time
	IDPSub  string // the provider's "sub", where Subject is another claim
	Claim   string // that Subject is from; "" until the first sign-in of an account that a directory made
}

// GroupSource says who gave a membership. Each source removes only what it gave.
type GroupSource string

// The sources of a membership.
const (
	SourceClaim GroupSource = "claim"
	SourceLocal GroupSource = "local"
	SourceSCIM  GroupSource = "scim"
)

// SourceOf is the claim of one provider: what it gave, another one does not take. SourceClaim alone is from before there were several.
func SourceOf(provider string) GroupSource { return SourceClaim + ":" + GroupSource(provider) }

// Kind is the source without the provider.
func (s GroupSource) Kind() GroupSource {
	kind, _, _ := strings.Cut(string(s), ":")
	return GroupSource(kind)
}

// Group is a set of people. Everyone is a member of the group with id Everyone, without a row.
type Group struct {
	ID        GroupID
	Name      string // unique
	CreatedAt time.Time
}

// Everyone is the built-in group that all active people belong to.
const Everyone GroupID = "everyone"
