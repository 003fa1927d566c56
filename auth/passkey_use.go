package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// BeginVerifyPasskey asks the browser for a signature of one of the person's passkeys. The options are what navigator.credentials.get()
// takes, in JSON. It returns ErrFactorEnrolment, or ErrNotAccepted for a person without a passkey.
func (s *Service) BeginVerifyPasskey(ctx context.Context, who Who) (options json.RawMessage, err error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	if who.Session.ID == "" {
		return nil, portal.ErrForbidden
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := s.lockLive(tx, who); err != nil {
			return err
		}
		if err := mayShow(tx, who.User.ID, portal.FactorPasskey); err != nil {
			return err
		}
		if err := countAsk(tx, who.User.ID); err != nil {
			return err
		}
		h, err := holder(tx, who.User)
		if err != nil {
			return err
		}
		if len(h.keys) == 0 {
			return ErrNotAccepted
		}
		assertion, asked, err := rp.BeginLogin(h)
		if err != nil {
			return err
		}
		if options, err = json.Marshal(assertion.Response); err != nil {
			return err
		}
		return keepChallenge(tx, asked, store.Challenge{Purpose: toVerify, User: who.User.ID, Session: who.Session.ID})
	})
	if err != nil {
		return nil, fmt.Errorf("begin to verify passkey: %w", err)
	}
	return options, nil
}

// VerifyPasskey shows a passkey as the second factor. It is VerifyTOTP in all else; it returns ErrPasskeyEnded, ErrPasskeyRefused or
// ErrPasskeyCopied.
func (s *Service) VerifyPasskey(ctx context.Context, who Who, answer []byte) (SignedIn, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return SignedIn{}, err
	}
	signed, err := parsePasskey(answer)
	if err != nil {
		return SignedIn{}, err
	}
	return s.prove(ctx, who, proof{action: "factor.verify", kind: portal.FactorPasskey, signed: true, check: func(tx *store.Tx) error {
		if err := mayShow(tx, who.User.ID, portal.FactorPasskey); err != nil {
			return err
		}
		asked, err := takeChallenge(tx, signed.Response.CollectedClientData.Challenge, toVerify, who.Session)
		if err != nil {
			return err
		}
		h, err := holder(tx, who.User)
		if err != nil {
			return err
		}
		got, err := rp.ValidateLogin(h, asked, signed)
		if err != nil {
			s.logRefused(ctx, "verify", err)
			return ErrPasskeyRefused
		}
		return s.usePasskey(tx, h, got)
	}})
}

// usePasskey writes down that a passkey signed. A counter that did not rise says that somebody else has the key too: then the answer is
// ErrPasskeyCopied, and the counter stays.
func (s *Service) usePasskey(tx *store.Tx, h keyHolder, got *webauthn.Credential) error {
	for _, k := range h.keys {
		if string(k.CredentialID) != string(got.ID) {
			continue
		}
		if got.Authenticator.CloneWarning {
			return ErrPasskeyCopied
		}
		k.SignCount, k.UserVerified, k.BackedUp = got.Authenticator.SignCount, got.Flags.UserVerified, got.Flags.BackupState
		return tx.UsePasskey(k)
	}
	return ErrPasskeyRefused
}

// StartPasskeySignIn asks a browser for any passkey of this portal, before anybody is known. It returns ErrNoPasskeys or ErrTooManyTries.
func (s *Service) StartPasskeySignIn(ctx context.Context, from Browser) (options json.RawMessage, err error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	var wait time.Duration
	err = s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if wait, err = tx.Attempt(portal.LimitSignIn, addrKey(from.Addr)); err != nil || wait > 0 {
			return err
		}
		assertion, asked, err := rp.BeginDiscoverableLogin()
		if err != nil {
			return err
		}
		if options, err = json.Marshal(assertion.Response); err != nil {
			return err
		}
		return keepChallenge(tx, asked, store.Challenge{Purpose: toSignIn})
	})
	if err != nil {
		return nil, fmt.Errorf("start sign-in with passkey: %w", err)
	}
	if wait > 0 {
		return nil, ErrTooManyTries.WithRetryAfter(wait)
	}
	return options, nil
}

// FinishPasskeySignIn signs in whoever the passkey belongs to. The authenticator has verified the person, so it is both factors, and the
// session is ready. It returns ErrPasskeyEnded, ErrPasskeyRefused, ErrPasskeyCopied, ErrProviderFirst where the provider's word is too old
// by the person's policy, ErrSuspended or ErrTooManyTries.
func (s *Service) FinishPasskeySignIn(ctx context.Context, answer []byte, from Browser) (SignedIn, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return SignedIn{}, err
	}
	signed, err := parsePasskey(answer)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	var no *refusal
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		in, no = SignedIn{}, nil
		asked, err := takeChallenge(tx, signed.Response.CollectedClientData.Challenge, toSignIn, portal.Session{})
		if errors.Is(err, ErrPasskeyEnded) {
			no = &refusal{tell: ErrPasskeyEnded, reason: "passkey_ended"}
			return nil
		}
		if err != nil {
			return err
		}
		in, err = s.admitPasskey(ctx, tx, rp, asked, signed, from)
		if errors.As(err, &no) {
			return nil // the challenge is used up all the same
		}
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in with passkey: %w", err)
	}
	if no != nil {
		return SignedIn{}, s.noteRefused(ctx, signInRefused, "provider:"+portal.ProviderPasskey, no, from)
	}
	return in, nil
}

func (s *Service) admitPasskey(ctx context.Context, tx *store.Tx, rp *webauthn.WebAuthn, asked webauthn.SessionData, signed *protocol.ParsedCredentialAssertionData, from Browser) (SignedIn, error) {
	key, err := tx.PasskeyByCredential(signed.RawID)
	if errors.Is(err, portal.ErrNotFound) {
		return SignedIn{}, refuse(ErrPasskeyRefused, "unknown_passkey", nil)
	}
	if err != nil {
		return SignedIn{}, err
	}
	user, err := tx.LockUser(key.User)
	if err != nil {
		return SignedIn{}, err
	}
	h, err := holder(tx, user)
	if err != nil {
		return SignedIn{}, err
	}
	find := func(_, _ []byte) (webauthn.User, error) { return h, nil } // the library compares the handle with whose key it is
	_, got, err := rp.ValidatePasskeyLogin(find, asked, signed)
	if err != nil {
		s.logRefused(ctx, "sign in", err)
		return SignedIn{}, refuse(ErrPasskeyRefused, "signature", nil)
	}
	// Nothing about the person is said before the signature was right.
	if user.State != portal.UserActive {
		return SignedIn{}, refuse(ErrSuspended, "suspended", nil)
	}
	if err := s.passkeyAlone(tx, user); err != nil {
		return SignedIn{}, err
	}
	if err := s.usePasskey(tx, h, got); errors.Is(err, ErrPasskeyCopied) {
		return SignedIn{}, refuse(ErrPasskeyCopied, "passkey_copied", nil)
	} else if err != nil {
		return SignedIn{}, err
	}
	return s.openSession(tx, opening{
		user: user, provider: portal.ProviderPasskey, factor: portal.FactorPasskey, action: "session.sign_in",
		detail: map[string]string{"provider": portal.ProviderPasskey, "factor": string(key.Factor)},
	}, from)
}

// passkeyAlone returns nil where a passkey signs the person in without their provider. A provider that has not vouched for them within the
// time of their policy may have sent them away meanwhile. A local account has no provider, and counts while local accounts do.
func (s *Service) passkeyAlone(tx *store.Tx, user portal.User) error {
	policy, err := tx.FactorPolicyOf(user.ID)
	if err != nil {
		return err
	}
	if policy.PasskeyAlone == 0 {
		return refuse(ErrProviderFirst, "passkey_alone_off", nil)
	}
	_, err = tx.LocalAccount(user.ID)
	if err == nil && s.LocalAccounts {
		return nil
	}
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	vouched, err := tx.VouchedAt(user.ID)
	if err != nil {
		return err
	}
	if vouched.IsZero() || !tx.Now.Before(vouched.Add(policy.PasskeyAlone)) {
		return refuse(ErrProviderFirst, "provider_word_too_old", nil)
	}
	return nil
}

// Ways returns what the session may show or set up as its second factor. Any session may ask.
func (s *Service) Ways(ctx context.Context, who Who) (Ways, error) {
	if who.Session.ID == "" {
		return Ways{}, portal.ErrForbidden
	}
	var ways Ways
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		st, err := standingOf(tx, who.User.ID)
		if err != nil {
			return err
		}
		left, err := tx.RecoveryCodes(who.User.ID)
		ways = s.ways(st, left)
		return err
	})
	if err != nil {
		return Ways{}, fmt.Errorf("find ways to show a factor: %w", err)
	}
	return ways, nil
}

func (s *Service) ways(st standing, recoveryCodes int) Ways {
	w := Ways{Until: st.until}
	offered := s.PasskeysOffered()
	for _, k := range []portal.FactorKind{portal.FactorPasskey, portal.FactorTOTP, portal.FactorRecovery} {
		has := st.has(k) || k == portal.FactorRecovery && recoveryCodes > 0
		usable := k != portal.FactorPasskey || offered
		if has && usable && st.mayShow(k) == nil {
			w.Show = append(w.Show, k)
		}
		if k != portal.FactorRecovery && usable && st.policy.Accepts(k) {
			w.Enrol = append(w.Enrol, k)
		}
	}
	return w
}
