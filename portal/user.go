package portal

import "time"

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
}

// GroupSource says who gave a membership. Each source removes only what it gave.
type GroupSource string

// The sources of a membership.
const (
	SourceClaim GroupSource = "claim"
	SourceLocal GroupSource = "local"
	SourceSCIM  GroupSource = "scim"
)

// Group is a set of people. Everyone is a member of the group with id Everyone, without a row.
type Group struct {
	ID        GroupID
	Name      string // unique
	CreatedAt time.Time
}

// Everyone is the built-in group that all active people belong to.
const Everyone GroupID = "everyone"
