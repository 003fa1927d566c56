package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// FlowLife is how long a sign-in may take, from the button to the way back.
const FlowLife = 10 * time.Minute

// SignInOption is one button of the sign-in page.
type SignInOption struct {
	ID   string
	Name string
}

// SignInStart is where to send the browser, and the secret that it keeps in a cookie until it is back.
type SignInStart struct {
	Redirect string
	Flow     portal.Secret // good for FlowLife
}

// Callback is what the provider's answer carries, as the query had it.
type Callback struct {
	Provider         string // from the path
	State            string
	Code             string
	Error            string
	ErrorDescription string
	Issuer           string // "iss" (RFC 9207); "" when absent
	Session          string // the session cookie of the browser that brings it; "" for none
}

// StartSignIn begins a sign-in. returnTo is where the person wanted to go; what is not a path on this portal becomes "/".
// It returns ErrNoProvider, ErrProviderDown or ErrTooManyTries.
func (s *Service) StartSignIn(ctx context.Context, provider, returnTo string, from Browser) (SignInStart, error) {
	p, err := s.provider(ctx, provider)
	if err != nil {
		return SignInStart{}, err
	}
	return s.startFlow(ctx, p, store.LoginFlow{Purpose: store.FlowSignIn, ReturnTo: localPath(returnTo)}, from, nil)
}

// startFlow notes that somebody is on the way to a provider, and what for; also does more in the same transaction, where it is not nil. A
// provider that does not answer is a refusal by ErrProviderDown with the cause.
func (s *Service) startFlow(ctx context.Context, p *Provider, f store.LoginFlow, from Browser, also func(tx *store.Tx) error) (SignInStart, error) {
	flow := newSecret()
	f.Provider = p.ID
	if err := s.keepFlow(ctx, flow, f, from, also); err != nil {
		return SignInStart{}, err
	}
	m, err := p.metadata(ctx, s.now())
	if err != nil {
		s.log().WarnContext(ctx, "identity provider does not answer", "provider", p.ID, "err", cleanText(err.Error(), 300))
		return SignInStart{Flow: flow}, refuse(ErrProviderDown, "discovery", err)
	}
	derived, err := deriveFlow(flow.Reveal())
	if err != nil {
		return SignInStart{}, fmt.Errorf("start sign-in: %w", err)
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(derived.verifier), oauth2.SetAuthURLParam("nonce", derived.nonce)}
	redirect := p.oauth(m, s.RedirectURI(p.ID)).AuthCodeURL(derived.state, append(options, p.wishes()...)...)
	return SignInStart{Redirect: redirect, Flow: flow}, nil
}

// wishes are the parameters of a request that an admin has set (Core 1.0, section 3.1.2.1).
func (p *Provider) wishes() (options []oauth2.AuthCodeOption) {
	if p.Prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", p.Prompt))
	}
	if p.MaxAge != nil {
		options = append(options, oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(*p.MaxAge/time.Second))))
	}
	if len(p.ACRValues) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.ACRValues, " ")))
	}
	return options
}

func (s *Service) keepFlow(ctx context.Context, flow portal.Secret, f store.LoginFlow, from Browser, also func(tx *store.Tx) error) error {
	var wait time.Duration
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if wait, err = tx.Attempt(portal.LimitSignIn, addrKey(from.Addr)); err != nil || wait > 0 {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		f.ExpiresAt = tx.Now.Add(FlowLife)
		return tx.CreateLoginFlow(digest(forFlow, flow.Reveal()), f)
	})
	if err != nil {
		return fmt.Errorf("start sign-in: %w", err)
	}
	if wait > 0 {
		return ErrTooManyTries.WithRetryAfter(wait)
	}
	return nil
}

// FinishSignIn takes the provider's answer. Each sign-in can be finished once, by the browser that started it. The session may do
// nothing yet but show a second factor. It returns ErrSignInEnded, ErrSignInUsed, ErrProviderRefused, ErrProviderDown, ErrBadAnswer,
// ErrNotInvited, ErrSuspended or ErrTooManyTries; the reason in detail is in the log and the audit trail. An answer to LinkIdentity or
// TryProvider opens no session: the secret is zero then, and ReturnTo says where to go, also with an error.
func (s *Service) FinishSignIn(ctx context.Context, cb Callback, flow string, from Browser) (SignedIn, error) {
	in, err := s.finish(ctx, cb, flow, from)
	var no *refusal
	if errors.As(err, &no) {
		return in, s.noteRefusal(ctx, cb, no, from)
	}
	return in, err
}

func (s *Service) finish(ctx context.Context, cb Callback, flow string, from Browser) (SignedIn, error) {
	started, f, err := s.takeFlow(ctx, cb, flow)
	if err != nil {
		return SignedIn{}, err
	}
	if started.Purpose == store.FlowTest {
		return s.finishTry(ctx, cb, started.Ref, f)
	}
	p, err := s.provider(ctx, started.Provider)
	if errors.Is(err, ErrNoProvider) { // it went meanwhile
		return SignedIn{}, refuse(ErrSignInEnded, "no_provider", nil)
	}
	if err != nil {
		return SignedIn{}, err
	}
	if started.Purpose == store.FlowLink {
		in := SignedIn{ReturnTo: "/security"}
		who, err := s.answered(ctx, p, cb, f)
		if err == nil {
			err = s.link(ctx, p, who, cb, portal.SessionID(started.Ref), from)
		}
		return in, err
	}
	who, err := s.answered(ctx, p, cb, f)
	if err != nil {
		return SignedIn{}, err
	}
	if !p.admits(who) {
		return SignedIn{}, refuse(ErrNotInvited, "domain", nil)
	}
	in, err := s.admit(ctx, p, who, from)
	in.ReturnTo = started.ReturnTo
	return in, err
}

// answered returns the person whom an answer is about.
func (s *Service) answered(ctx context.Context, p *Provider, cb Callback, f flowSecrets) (person, error) {
	m, err := p.metadata(ctx, s.now())
	if err != nil {
		return person{}, refuse(ErrProviderDown, "discovery", err)
	}
	switch {
	case cb.Issuer != "" && cb.Issuer != p.Issuer, cb.Issuer == "" && m.issParam:
		return person{}, refuse(ErrBadAnswer, "answer_issuer", nil)
	case cb.Error != "":
		return person{}, refuse(ErrProviderRefused, "provider_error", errors.New(cleanText(cb.Error, 64)))
	case cb.Code == "" || !plainText(cb.Code, 4096):
		return person{}, refuse(ErrBadAnswer, "no_code", nil)
	}
	return s.exchange(ctx, p, m, cb.Code, f)
}

// takeFlow finds the sign-in that an answer belongs to and uses it up. An answer with a wrong state does not: anybody can make a browser
// call the callback, and that must not end the sign-in that is on its way.
func (s *Service) takeFlow(ctx context.Context, cb Callback, flow string) (store.LoginFlow, flowSecrets, error) {
	hash, ok := hashSecret(forFlow, flow)
	if !ok {
		return store.LoginFlow{}, flowSecrets{}, refuse(ErrSignInEnded, "no_flow", nil)
	}
	f, err := deriveFlow(flow)
	if err != nil {
		return store.LoginFlow{}, f, err
	}
	var started store.LoginFlow
	err = s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		started, err = tx.LoginFlow(hash)
		switch {
		case errors.Is(err, portal.ErrNotFound):
			return refuse(ErrSignInEnded, "no_flow", nil)
		case err != nil:
			return err
		case !started.ExpiresAt.After(tx.Now):
			return refuse(ErrSignInEnded, "flow_expired", nil)
		case started.Provider != cb.Provider:
			return refuse(ErrBadAnswer, "other_provider", nil)
		case !equal(cb.State, f.state):
			return refuse(ErrBadAnswer, "state", nil)
		}
		err = tx.UseOnce("sign_in", hash, 2*FlowLife)
		if errors.Is(err, portal.ErrAlreadyUsed) {
			return refuse(ErrSignInUsed, "flow_used", nil)
		}
		return err
	})
	return started, f, err
}

// noteRefusal writes down why somebody was not let in and returns what to tell them. What strangers can make the audit trail grow by is
// bounded: beyond that only the log has it.
func (s *Service) noteRefusal(ctx context.Context, cb Callback, no *refusal, from Browser) error {
	target := "provider:unknown"
	if _, err := s.provider(ctx, cb.Provider); err == nil {
		target = "provider:" + cb.Provider
	}
	return s.noteRefused(ctx, signInRefused, target, no, from)
}

// What is refused, in the audit trail.
const (
	signInRefused = "session.sign_in_refused"
	logoutRefused = "session.logout_refused"
)

func (s *Service) noteRefused(ctx context.Context, action, target string, no *refusal, from Browser) error {
	detail := map[string]string{"reason": no.reason}
	cause := ""
	if no.err != nil {
		cause = cleanText(no.err.Error(), 300)
	}
	s.log().WarnContext(ctx, "refused", "action", action, "provider", target, "reason", no.reason, "cause", cause, "addr", from.Addr, "request_id", from.RequestID)
	var wait time.Duration
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if wait, err = tx.Attempt(portal.LimitRefused, addrKey(from.Addr)); err != nil || wait > 0 {
			return err
		}
		return tx.Audit(portal.Actor{Addr: from.Addr, RequestID: from.RequestID}, action, target, detail)
	})
	if err != nil {
		return fmt.Errorf("note %s: %w", action, err)
	}
	if wait > 0 {
		return ErrTooManyTries.WithRetryAfter(wait)
	}
	return no.tell
}
