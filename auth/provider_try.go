package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// tryDraft is what a test tries, sealed while it is on its way: it holds the client secret.
type tryDraft struct {
	ID       string                  `json:"id"`
	Settings portal.ProviderSettings `json:"settings"`
	Secret   string                  `json:"secret"`
}

// TryOutcome says what a sign-in with the settings would come to.
type TryOutcome string

// The outcomes.
const (
	TryFailed   TryOutcome = "failed"   // the provider's answer can't be used; Reason says why
	TryRefused  TryOutcome = "refused"  // it can, and the person would not be let in; Reason says why
	TryCreated  TryOutcome = "created"  // the person would be created
	TryExisting TryOutcome = "existing" // the person is there already
)

// Tried is what came of a test. Nothing of it was saved anywhere else, and no session was opened.
type Tried struct {
	Done     bool                       `json:"-"`
	Provider string                     `json:"provider"`
	At       time.Time                  `json:"at"`
	Outcome  TryOutcome                 `json:"outcome"`
	Reason   string                     `json:"reason"` // as the audit trail has them; "" where it would work
	Cause    string                     `json:"cause"`  // in the words of the program, for whoever looks for the fault
	Claims   map[string]json.RawMessage `json:"claims"`
	Issuer   string                     `json:"issuer"`
	Subject  string                     `json:"subject"`
	Name     string                     `json:"name"`
	Email    string                     `json:"email"`
	Verified bool                       `json:"verified"`
	Groups   []string                   `json:"groups"`
	Said     bool                       `json:"groupsSaid"` // the groups claim was there
	Role     portal.Role                `json:"role"`       // from then on
	Factor   bool                       `json:"factor"`     // the provider's second factor would count
	Person   portal.UserID              `json:"person"`     // who it is, where that is known
	Who      string                     `json:"who"`        // their name here
}

// TryProvider begins a sign-in with settings that are not saved, for the session of the admin who entered them. id is that of the provider, new
// or there already: the redirect URI holds it. It returns the test's id and where to send the browser, at once to the result where the provider
// does not answer; or what UpdateProvider returns.
func (s *Service) TryProvider(ctx context.Context, who Who, id string, in ProviderInput) (string, SignInStart, error) {
	if err := s.mayTry(who, id); err != nil {
		return "", SignInStart{}, err
	}
	secret := portal.Secret{}
	if in.Secret != nil {
		secret = *in.Secret
	} else {
		kept, err := s.keptSecret(ctx, id, in)
		if err != nil {
			return "", SignInStart{}, err
		}
		secret = kept
	}
	p := s.fromSettings(id, in.Settings, secret)
	if err := portal.InvalidFields(p.wrong()...); err != nil {
		return "", SignInStart{}, err
	}
	test := portal.ProviderTest{ID: portal.NewID[string](s.now()), Session: who.Session.ID, ExpiresAt: s.now().Add(FlowLife)}
	draft, err := json.Marshal(tryDraft{ //nolint:gosec // G117: it is sealed in the next line
		id, in.Settings, secret.Reveal(),
	})
	if err != nil {
		return "", SignInStart{}, err
	}
	if test.Draft, err = s.Keys.Seal(draft, tryPlace(test.ID, "draft")); err != nil {
		return "", SignInStart{}, err
	}
	start, err := s.startFlow(ctx, p, store.LoginFlow{Purpose: store.FlowTest, Ref: test.ID, ReturnTo: "/"}, who.From, func(tx *store.Tx) error {
		old, err := tx.Provider(id)
		if err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		if err := s.oneNotion(tx, old, in.Settings); err != nil {
			return err
		}
		if err := tx.CreateProviderTest(test); err != nil {
			return err
		}
		return tx.Audit(who.Actor(), "provider.test", "provider:"+id, map[string]string{"issuer": in.Settings.Issuer, "clientId": in.Settings.ClientID})
	})
	var no *refusal
	if errors.As(err, &no) { // the provider does not answer: that is a result too, and the admin wants to know why
		start.Redirect = tryPath + test.ID
		return test.ID, start, s.endTry(ctx, test.ID, failed(id, s.now(), no.reason, no.err))
	}
	return test.ID, start, err
}

// tryPath is the page of a test's result, followed by its id.
const tryPath = "/admin/provider-tests/"

func failed(provider string, at time.Time, reason string, cause error) Tried {
	out := Tried{Provider: provider, At: at, Outcome: TryFailed, Role: portal.RoleUser, Reason: reason}
	if cause != nil {
		out.Cause = cleanText(cause.Error(), 500)
	}
	return out
}

// endTry keeps what came of a test.
func (s *Service) endTry(ctx context.Context, id string, tried Tried) error {
	text, err := json.Marshal(tried)
	if err != nil {
		return err
	}
	sealed, err := s.Keys.Seal(text, tryPlace(id, "result"))
	if err != nil {
		return err
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.EndProviderTest(id, sealed) })
}

func (s *Service) mayTry(who Who, id string) error {
	if who.Session.ID == "" {
		return portal.ErrForbidden
	}
	if err := Allow(who.Actor(), SettingsWrite, s.now()); err != nil {
		return err
	}
	if s.configured(id) != nil {
		return ErrProviderFromFile
	}
	return nil
}

func (s *Service) keptSecret(ctx context.Context, id string, in ProviderInput) (secret portal.Secret, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		old, err := tx.Provider(id)
		if errors.Is(err, portal.ErrNotFound) {
			return nil
		}
		if err == nil {
			_, secret, err = s.draft(old, in)
		}
		return err
	})
	return secret, err
}

func tryPlace(id, what string) string { return "provider_tests/" + id + "/" + what }

// finishTry takes the answer to a test. Whatever it is, the admin gets to see it: only what is wrong on our side is an error.
func (s *Service) finishTry(ctx context.Context, cb Callback, id string, f flowSecrets) (SignedIn, error) {
	in := SignedIn{ReturnTo: tryPath + id}
	who, err := s.Authenticate(ctx, cb.Session, Browser{})
	if err != nil {
		return SignedIn{}, refuse(ErrSignInEnded, "no_session", err)
	}
	var test portal.ProviderTest
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		test, err = tx.ProviderTest(id)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) || err == nil && test.Session != who.Session.ID {
		return SignedIn{}, refuse(ErrSignInEnded, "no_session", nil)
	}
	if err != nil {
		return SignedIn{}, fmt.Errorf("finish test: %w", err)
	}
	tried, err := s.answerTry(ctx, cb, test, f)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finish test: %w", err)
	}
	return in, s.endTry(ctx, id, tried)
}

func (s *Service) answerTry(ctx context.Context, cb Callback, test portal.ProviderTest, f flowSecrets) (Tried, error) {
	plain, err := s.Keys.Open(test.Draft, tryPlace(test.ID, "draft"))
	if err != nil {
		return Tried{}, err
	}
	var draft tryDraft
	if err := json.Unmarshal(plain, &draft); err != nil {
		return Tried{}, err
	}
	p := s.fromSettings(draft.ID, draft.Settings, portal.NewSecretText(draft.Secret))
	who, err := s.answered(ctx, p, cb, f)
	var no *refusal
	if errors.As(err, &no) {
		return failed(draft.ID, s.now(), no.reason, no.err), nil
	}
	if err != nil {
		return Tried{}, err
	}
	out := Tried{Provider: draft.ID, At: s.now(), Role: portal.RoleUser}
	out.Claims, out.Issuer, out.Subject, out.Name, out.Email, out.Verified = who.said, who.issuer, who.subject, who.name, who.email, who.verified
	out.Groups, out.Said, out.Factor = who.groups, who.groupsSaid, who.factor
	return out, s.foresee(ctx, p, who, &out)
}

// foresee says what enter would do, and does none of it.
func (s *Service) foresee(ctx context.Context, p *Provider, who person, out *Tried) error {
	return s.Store.View(ctx, func(tx *store.Tx) error {
		user, err := tx.UserByIdentity(who.issuer, who.subject)
		known := err == nil
		if err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		out.Outcome = TryCreated
		role, from := portal.RoleUser, store.RoleLocal
		if known {
			out.Outcome, out.Person, out.Who, role = TryExisting, user.ID, user.Name, user.Role
			if from, err = tx.RoleSource(user.ID); err != nil {
				return err
			}
		}
		out.Role, _ = nextRole(role, from, p.roleOf(who.groups), s.isOwner(who), p.roleSource())
		switch {
		case !p.admits(who):
			out.Outcome, out.Reason = TryRefused, "domain"
		case !known && !p.Create && !s.isOwner(who):
			out.Outcome, out.Reason = TryRefused, "unknown_person"
		case known && user.State != portal.UserActive:
			out.Outcome, out.Reason = TryRefused, "suspended"
		}
		return nil
	})
}

// ProviderTried returns what came of a test, to the session that began it. Done is false while the person is at the provider. It returns
// portal.ErrNotFound, also when its time is over.
func (s *Service) ProviderTried(ctx context.Context, who Who, id string) (Tried, error) {
	if err := Allow(who.Actor(), SettingsRead, s.now()); err != nil {
		return Tried{}, err
	}
	var test portal.ProviderTest
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		test, err = tx.ProviderTest(id)
		return err
	})
	if err == nil && (test.Session != who.Session.ID || !test.ExpiresAt.After(s.now())) {
		err = portal.ErrNotFound
	}
	if err != nil || test.Result == nil {
		return Tried{}, err
	}
	plain, err := s.Keys.Open(test.Result, tryPlace(id, "result"))
	if err != nil {
		return Tried{}, fmt.Errorf("read test: %w", err)
	}
	out := Tried{Done: true}
	return out, json.Unmarshal(plain, &out)
}
