package portal

import "time"

// Factor is a second factor of a person.
type Factor struct {
	ID          FactorID
	User        UserID
	Kind        FactorKind
	Name        string // chosen by the person; may be empty
	Sealed      []byte // the sealed secret; nil for a passkey, which has none here
	CreatedAt   time.Time
	ConfirmedAt time.Time // zero: enrolment was begun and not finished; it does not count
	UsedAt      time.Time // zero: never since it was confirmed
}

// FactorKind says what a factor is.
type FactorKind string

// The kinds of factor. A recovery code stands for a factor that is lost; it is no row of its own.
const (
	FactorTOTP     FactorKind = "totp"
	FactorPasskey  FactorKind = "passkey"
	FactorRecovery FactorKind = "recovery"
	FactorProvider FactorKind = "provider" // the provider's own, where an admin trusts it; no row either
)

// Passkey is what is known of a WebAuthn credential. The private key never leaves the person's authenticator.
type Passkey struct {
	Factor         FactorID
	User           UserID
	CredentialID   []byte
	PublicKey      []byte // COSE_Key
	AAGUID         []byte // the model of the authenticator, as it says; nobody vouches for it
	Transports     []string
	SignCount      uint32 // 0 where the authenticator does not count
	UserVerified   bool
	BackupEligible bool // it may be copied to other devices of the person; never changes
	BackedUp       bool // it has been
}

// FactorPolicy is what a group asks of its members.
type FactorPolicy struct {
	Required bool          // without a second factor no use of the portal and no tunnel
	TOTP     bool          // codes of an authenticator app are accepted; passkeys always are
	Recovery bool          // recovery codes are accepted
	Grace    time.Duration // from the first sign-in: the portal, not tunnels, without a second factor; 0 for none
	// PasskeyAlone is how long after a provider's word a passkey signs in by itself; 0 for never.
	PasskeyAlone time.Duration
}

// DefaultFactorPolicy is what holds for everyone until somebody sets another one.
func DefaultFactorPolicy() FactorPolicy {
	return FactorPolicy{Required: true, TOTP: true, Recovery: true, PasskeyAlone: 30 * 24 * time.Hour}
}

// Strictest joins what two groups ask into what holds for a member of both.
func (p FactorPolicy) Strictest(q FactorPolicy) FactorPolicy {
	return FactorPolicy{
		Required: p.Required || q.Required, TOTP: p.TOTP && q.TOTP, Recovery: p.Recovery && q.Recovery,
		Grace: p.graceOr(q), PasskeyAlone: min(p.PasskeyAlone, q.PasskeyAlone),
	}
}

// graceOr is the shorter grace of those that have something to be graceful about.
func (p FactorPolicy) graceOr(q FactorPolicy) time.Duration {
	switch {
	case !p.Required:
		return q.Grace
	case !q.Required:
		return p.Grace
	}
	return min(p.Grace, q.Grace)
}

// Accepts reports whether a kind counts as the second factor.
func (p FactorPolicy) Accepts(k FactorKind) bool {
	switch k {
	case FactorPasskey:
		return true
	case FactorTOTP, FactorProvider: // where only passkeys will do, a provider's word for some factor will not
		return p.TOTP
	case FactorRecovery:
		return p.Recovery
	}
	return false
}

// GroupFactorPolicy is the policy of one group.
type GroupFactorPolicy struct {
	Group     Group
	Policy    FactorPolicy
	ChangedAt time.Time
}

// LocalAccount is a way in for when no provider answers: a name and a password. Only the hash of the password is kept.
type LocalAccount struct {
	User       UserID
	Username   string // lower case, unique
	Hash       string // argon2id in PHC form; "" while none is set
	PasswordAt time.Time
	CreatedAt  time.Time
}
