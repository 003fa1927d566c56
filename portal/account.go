package portal

import (
	"net/netip"
	"time"
)

// Session is a signed-in browser. The cookie's value is not kept, only its hash.
type Session struct {
	ID        SessionID
	User      UserID
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time  // absolute end; an idle limit may end it earlier
	FactorAt  time.Time  // when a second factor was last shown in it; zero: not yet
	Factor    FactorKind // which one that was; "" while FactorAt is zero
	Provider  string     // id of the provider that signed the person in; ProviderPasskey or ProviderLocal where none did
	UserAgent string
	Addr      netip.Addr
	Upstream  Upstream
}

// Upstream is a session in the words of the provider that began it; the zero value where none did.
type Upstream struct {
	Issuer  string
	Subject string // its "sub"
	Session string // its "sid"; "" where it has none
	IDToken string // sealed, and only where a session is read by its id; "" where none is kept
}

// What stands in place of a provider's id in a session that none of them began. No provider may have such an id.
const (
	ProviderPasskey = "passkey"
	ProviderLocal   = "local"
)

// Token is a personal access token for the API. Only the hash of its secret is kept.
type Token struct {
	ID        TokenID
	User      UserID
	Name      string
	Scopes    Scopes
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: never
	Policy    bool      // it may apply policy files, for which a session needs a fresh second factor
}

// Actor is who does something: a person in a session or by token, a program, a gateway, or the system itself. It is handed down as a parameter.
type Actor struct {
	User      UserID
	Role      Role
	Session   SessionID // "" with a token
	Token     TokenID   // "" with a session
	Scopes    Scopes    // of the token; nil with a session
	Gateway   GatewayID
	SCIM      SCIMTokenID    // a directory that writes people and groups
	Service   ServiceTokenID // a program without a person behind it; Role and Scopes are its own
	FactorAt  time.Time      // of the session; zero with a token
	FreshFor  time.Duration  // how long after FactorAt what needs a fresh factor may be done; 0: ten minutes
	TrustedAt time.Time      // since when the person's word is good for a tunnel: FactorAt, or the sign-in where policy asks for no factor; zero: not good
	Addr      netip.Addr     // where the request came from
	RequestID string

	system bool
}

// System is the actor of work that nobody asked for: expiry, retention, seeding. The zero Actor is nobody and may do nothing.
var System = Actor{system: true}

// IsSystem reports whether the portal itself acts.
func (a Actor) IsSystem() bool { return a.system }

// AuditEvent is one line of the audit trail. Seq counts from 1 without gaps; Hash chains it to the one before.
type AuditEvent struct {
	Seq       uint64
	At        time.Time
	Actor     string // "user:ID", "service:ID", "gateway:ID", "scim:ID", "system", or "nobody" (a sign-in that failed)
	Action    string // "device.create", "session.sign_in", …
	Target    string // "device:ID", …
	Detail    string // JSON object; secrets are never in it
	Addr      string
	RequestID string
	Prev      string // hex SHA-256 of the event before; 64 zeros for the first
	Hash      string // hex
}
