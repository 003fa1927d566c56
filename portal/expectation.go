package portal

import (
	"net/netip"
	"time"
)

// Expectation is what a PolicyTest holds policy to.
type Expectation string

// The expectations.
const (
	MustReach    Expectation = "reaches" // everybody of the subject reaches all of the destination
	MustNotReach Expectation = "blocked" // nobody of the subject reaches any of it
)

// PolicyTest is a sentence about policy that must stay true: "contractors must not reach payroll". It is judged with every condition of
// allow rules met, and with deny rules only where they have none, so that "must not" means never.
type PolicyTest struct {
	ID        PolicyTestID `json:"-"`
	Name      string       `json:"-"` // unique
	Reason    string       `json:"-"`
	Group     GroupID      `json:"group,omitempty"`  // every member, and somebody who is in no other group
	Person    UserID       `json:"person,omitempty"` // or one person
	Resource  ResourceID   `json:"resource,omitempty"`
	To        netip.Addr   `json:"to,omitzero"` // or one flow
	Transport Transport    `json:"transport,omitempty"`
	Port      uint16       `json:"port,omitempty"`
	Expect    Expectation  `json:"expect"`
	CreatedAt time.Time    `json:"-"`
}
