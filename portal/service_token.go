package portal

import "time"

// ServiceTokenID names the token of a program.
type ServiceTokenID string

// ServiceToken lets a program use the API as itself: nobody is behind it. It may do what both its role and its scopes allow, and is not
// asked for a second factor, since whoever made it showed one for these scopes. Only the hash of its secret is kept.
type ServiceToken struct {
	ID        ServiceTokenID
	Name      string // unique
	Role      Role
	Scopes    Scopes // never nil
	MadeBy    UserID // who may be gone
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: never
}
