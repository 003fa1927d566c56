package portal

import "time"

// SCIMTokenID names a directory's token.
type SCIMTokenID string

// SCIMSubject says which attribute of a SCIM user is the subject of the person's identity.
type SCIMSubject string

// The attributes that can be one. An address can't: people are never matched by it.
const (
	SubjectExternalID SCIMSubject = "externalId"
	SubjectUserName   SCIMSubject = "userName"
)

// SCIMToken lets a directory write people and groups by SCIM. Only the hash of its secret is kept.
type SCIMToken struct {
	ID        SCIMTokenID
	Name      string
	Issuer    string // of the identities of the directory's people; a token sees nobody else's
	Subject   SCIMSubject
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: never
	WroteAt   time.Time // of the last change, to a minute; zero: none yet
	FailedAt  time.Time // of the last change that was refused; zero: none yet
	Failure   string    // why that was
}

// SCIMUser is what a directory said of a person.
type SCIMUser struct {
	Issuer     string
	User       UserID
	UserName   string // in lower case, the form in which it is unique
	ExternalID string
	Subject    string // of the identity that the directory gave the person, "" for none
	Active     bool
	Cut        bool   // the directory suspended the person, and may undo it
	Doc        string // JSON
	Version    uint64
	CreatedAt  time.Time
	ChangedAt  time.Time
	DeletedAt  time.Time // zero: shown
}

// SCIMGroup is a group that a directory keeps.
type SCIMGroup struct {
	Group
	Issuer     string
	ExternalID string
	Made       bool // the directory made it; others were there before and stay
	Version    uint64
	KeptSince  time.Time
	ChangedAt  time.Time
}

// SCIMMember is one member of a SCIMGroup.
type SCIMMember struct {
	User UserID
	Name string // for display
}
