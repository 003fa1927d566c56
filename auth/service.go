package auth

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

// Service signs people in and keeps their sessions. Fill the fields, then use it from any number of goroutines.
type Service struct {
	Store     *store.Store
	Keys      *seal.Keyring
	Tunnels   Tunnels
	Providers []*Provider
	PublicURL string // what browsers call the portal, "https://vpn.example.com", without a slash at the end
	AllowHTTP bool   // PublicURL may be http:// beyond loopback: for the demo on a local network, never else
	Name      string // shown in authenticator apps; "" for "Sallyport"

	// Owners are always owners, whatever claims say: how a new installation gets its first one. They are named by issuer and subject.
	Owners []portal.Identity
	// FirstOwner makes the first person who ever signs in an owner, once. Off, nobody becomes owner by being early.
	FirstOwner bool
	// LocalAccounts lets people in with a name and a password that the portal itself knows, and a second factor: for when no provider answers.
	LocalAccounts bool

	// ProviderNetworks are networks that are not public in which providers entered in the web app may be.
	ProviderNetworks []netip.Prefix

	Limits Limits
	Now    func() time.Time // nil for time.Now
	Log    *slog.Logger     // nil for none

	loaded loaded

	passwords passwords
}

// Limits are lifetimes. A zero field takes its default.
type Limits struct {
	Idle     time.Duration // of a session without requests; default 12 h
	Absolute time.Duration // of a session from sign-in; default 7 days
	Unproven time.Duration // of a session that has not shown its second factor; default 15 min
	Renew    time.Duration // how old a second factor of the provider may be to let tunnels run again; default 1 h
	StepUp   time.Duration // how long after a second factor was shown what needs a fresh one may be done; default StepUpAge
	Token    time.Duration // the longest life of a personal token, and what one gets that asks for none; default 90 days
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		have *time.Duration
		want time.Duration
	}{{&l.Idle, 12 * time.Hour}, {&l.Absolute, 7 * 24 * time.Hour}, {&l.Unproven, 15 * time.Minute}, {&l.Renew, time.Hour}, {&l.StepUp, StepUpAge}, {&l.Token, 90 * 24 * time.Hour}} {
		if *d.have <= 0 {
			*d.have = d.want
		}
	}
	return l
}

// Tunnels is what happens to a person's tunnels when the person changes. peers.Service offers it; each call is part of the caller's
// transaction, so the account and its tunnels can't disagree.
type Tunnels interface {
	// CutUser ends every tunnel: the person was suspended.
	CutUser(tx *store.Tx, by portal.Actor, id portal.UserID) error
	// RestoreUser lets the person's devices connect again as their grants say: the person is active again.
	RestoreUser(tx *store.Tx, by portal.Actor, id portal.UserID) error
	// GroupsChanged works out again what the person's devices may reach.
	GroupsChanged(tx *store.Tx, by portal.Actor, id portal.UserID) error
	// PeopleChanged does that for many.
	PeopleChanged(tx *store.Tx, by portal.Actor, ids []portal.UserID) error
	// LoggedOut ends the grants of profiles that end with the person's session at the provider, and returns how many.
	LoggedOut(tx *store.Tx, by portal.Actor, id portal.UserID) (int, error)
	// Renew lets every grant of the person run again for its profile's session length: a second factor was shown just now.
	Renew(tx *store.Tx, by portal.Actor, id portal.UserID) error
}

// Browser is where a request came from. The address is the client's, after trusted proxies.
type Browser struct {
	Addr      netip.Addr
	UserAgent string
	RequestID string
	Before    portal.Secret // the session cookie that it had; a sign-in ends that session. The zero one for none
}

// Stage says what a session may do.
type Stage string

// The stages. Only Ready may use the portal; the others may do nothing but the step that they name, and sign out.
const (
	Ready              Stage = "ready"
	FactorEnrolment    Stage = "factor_enrolment"    // the person has no second factor yet: BeginTOTP, ConfirmTOTP
	FactorVerification Stage = "factor_verification" // the person has one and must show it: VerifyTOTP, VerifyRecovery
)

// Who is the person or program behind a request. Exactly one of Session, Token and Service has an id; with the last, User is the zero one.
type Who struct {
	User    portal.User
	Session portal.Session
	Token   portal.Token
	Service portal.ServiceToken
	Stage   Stage
	From    Browser

	TrustedAt time.Time     // see portal.Actor
	FreshFor  time.Duration // see portal.Actor
}

// Actor is who as the acting person of a use case.
func (w Who) Actor() portal.Actor {
	if w.Service.ID != "" {
		return portal.Actor{Service: w.Service.ID, Role: w.Service.Role, Scopes: w.Service.Scopes, Addr: w.From.Addr, RequestID: w.From.RequestID}
	}
	return portal.Actor{
		User: w.User.ID, Role: w.User.Role, Session: w.Session.ID, Token: w.Token.ID, Scopes: w.Token.Scopes, FactorAt: w.Session.FactorAt,
		FreshFor: w.FreshFor, TrustedAt: w.TrustedAt, Addr: w.From.Addr, RequestID: w.From.RequestID,
	}
}

// The errors of a session that has steps before it.
var (
	ErrFactorEnrolment = &portal.Error{Kind: portal.Forbidden, Code: "factor_enrolment_required", Msg: "Set up a second factor first."}
	ErrFactorNeeded    = &portal.Error{Kind: portal.Forbidden, Code: "factor_verification_required", Msg: "Show your second factor first."}
)

// RequireReady returns ErrFactorEnrolment or ErrFactorNeeded unless the person may use the portal.
func (w Who) RequireReady() error {
	switch w.Stage {
	case Ready:
		return nil
	case FactorEnrolment:
		return ErrFactorEnrolment
	case FactorVerification:
		return ErrFactorNeeded
	}
	return portal.ErrSignedOut
}

// SignedIn is a session whose secret goes into the browser's cookie, now: the one that it had before is no longer good.
type SignedIn struct {
	Session  portal.Session
	Secret   portal.Secret
	Stage    Stage
	ReturnTo string // a path on this portal, after FinishSignIn; "/" where none was asked for
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

func (s *Service) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (s *Service) name() string {
	if s.Name != "" {
		return s.Name
	}
	return "Sallyport"
}
