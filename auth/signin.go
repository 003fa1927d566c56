package auth

import (
	"context"
	"errors"
	"fmt"
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
}

// SignInOptions returns the providers in the order of the configuration.
func (s *Service) SignInOptions() []SignInOption {
	options := make([]SignInOption, len(s.Providers))
	for i, p := range s.Providers {
		options[i] = SignInOption{p.ID, p.Name}
	}
	return options
}

// StartSignIn begins a sign-in. returnTo is where the person wanted to go; what is not a path on this portal becomes "/".
// It returns ErrNoProvider, ErrProviderDown or ErrTooManyTries.
func (s *Service) StartSignIn(ctx context.Context, provider, returnTo string, from Browser) (SignInStart, error) {
	p := s.provider(provider)
	if p == nil {
		return SignInStart{}, ErrNoProvider
	}
	flow := newSecret()
	if err := s.keepFlow(ctx, p, flow, localPath(returnTo), from); err != nil {
		return SignInStart{}, err
	}
	m, err := p.metadata(ctx, s.now())
	if err != nil {
		s.log().WarnContext(ctx, "identity provider does not answer", "provider", p.ID, "err", cleanText(err.Error(), 300))
		return SignInStart{}, ErrProviderDown
	}
	f, err := deriveFlow(flow.Reveal())
	if err != nil {
		return SignInStart{}, fmt.Errorf("start sign-in: %w", err)
	}
	redirect := p.oauth(m, s.RedirectURI(p.ID)).AuthCodeURL(f.state, oauth2.S256ChallengeOption(f.verifier), oauth2.SetAuthURLParam("nonce", f.nonce))
	return SignInStart{Redirect: redirect, Flow: flow}, nil
}

func (s *Service) keepFlow(ctx context.Context, p *Provider, flow portal.Secret, returnTo string, from Browser) error {
	var wait time.Duration
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if wait, err = tx.Attempt(triesStart, addrKey(from.Addr), startByAddr); err != nil || wait > 0 {
			return err
		}
		return tx.CreateLoginFlow(digest(forFlow, flow.Reveal()), store.LoginFlow{Provider: p.ID, ReturnTo: returnTo, ExpiresAt: tx.Now.Add(FlowLife)})
	})
	if err != nil {
		return fmt.Errorf("start sign-in: %w", err)
	}
	if wait > 0 {
		return comeBack(ErrTooManyTries, wait)
	}
	return nil
}

// FinishSignIn takes the provider's answer. Each sign-in can be finished once, by the browser that started it. The session may do
// nothing yet but show a second factor. It returns ErrSignInEnded, ErrSignInUsed, ErrProviderRefused, ErrProviderDown, ErrBadAnswer,
// ErrNotInvited, ErrSuspended or ErrTooManyTries; the reason in detail is in the log and the audit trail.
func (s *Service) FinishSignIn(ctx context.Context, cb Callback, flow string, from Browser) (SignedIn, error) {
	in, err := s.finish(ctx, cb, flow, from)
	var no *refusal
	if errors.As(err, &no) {
		return SignedIn{}, s.noteRefusal(ctx, cb, no, from)
	}
	return in, err
}

func (s *Service) finish(ctx context.Context, cb Callback, flow string, from Browser) (SignedIn, error) {
	p, started, f, err := s.takeFlow(ctx, cb, flow)
	if err != nil {
		return SignedIn{}, err
	}
	m, err := p.metadata(ctx, s.now())
	if err != nil {
		return SignedIn{}, refuse(ErrProviderDown, "discovery", err)
	}
	switch {
	case cb.Issuer != "" && cb.Issuer != p.Issuer, cb.Issuer == "" && m.issParam:
		return SignedIn{}, refuse(ErrBadAnswer, "answer_issuer", nil)
	case cb.Error != "":
		return SignedIn{}, refuse(ErrProviderRefused, "provider_error", errors.New(cleanText(cb.Error, 64)))
	case cb.Code == "" || !plainText(cb.Code, 4096):
		return SignedIn{}, refuse(ErrBadAnswer, "no_code", nil)
	}
	who, err := s.exchange(ctx, p, m, cb.Code, f)
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

// takeFlow finds the sign-in that an answer belongs to and uses it up. An answer with a wrong state does not: anybody can make a browser
// call the callback, and that must not end the sign-in that is on its way.
func (s *Service) takeFlow(ctx context.Context, cb Callback, flow string) (*Provider, store.LoginFlow, flowSecrets, error) {
	hash, ok := hashSecret(forFlow, flow)
	if !ok {
		return nil, store.LoginFlow{}, flowSecrets{}, refuse(ErrSignInEnded, "no_flow", nil)
	}
	f, err := deriveFlow(flow)
	if err != nil {
		return nil, store.LoginFlow{}, f, err
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
	if err != nil {
		return nil, started, f, err
	}
	p := s.provider(started.Provider)
	if p == nil { // the configuration changed meanwhile
		return nil, started, f, refuse(ErrSignInEnded, "no_provider", nil)
	}
	return p, started, f, nil
}

// noteRefusal writes down why somebody was not let in and returns what to tell them. What strangers can make the audit trail grow by is
// bounded: beyond that only the log has it.
func (s *Service) noteRefusal(ctx context.Context, cb Callback, no *refusal, from Browser) error {
	target := "provider:unknown"
	if s.provider(cb.Provider) != nil {
		target = "provider:" + cb.Provider
	}
	return s.noteRefused(ctx, target, no, from)
}

func (s *Service) noteRefused(ctx context.Context, target string, no *refusal, from Browser) error {
	detail := map[string]string{"reason": no.reason}
	cause := ""
	if no.err != nil {
		cause = cleanText(no.err.Error(), 300)
	}
	s.log().WarnContext(ctx, "sign-in refused", "provider", target, "reason", no.reason, "cause", cause, "addr", from.Addr, "request_id", from.RequestID)
	var wait time.Duration
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if wait, err = tx.Attempt(triesRefused, addrKey(from.Addr), refusedByAddr); err != nil || wait > 0 {
			return err
		}
		return tx.Audit(portal.Actor{Addr: from.Addr, RequestID: from.RequestID}, "session.sign_in_refused", target, detail)
	})
	if err != nil {
		return fmt.Errorf("note refused sign-in: %w", err)
	}
	if wait > 0 {
		return comeBack(ErrTooManyTries, wait)
	}
	return no.tell
}
