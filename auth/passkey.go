package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// challengeLife is how long a browser may take to answer; the person may have to look for a key.
const challengeLife = 5 * time.Minute

// What a challenge is for.
const (
	toEnrol  = "enrol"
	toVerify = "verify"
	toSignIn = "sign_in"
)

// maxPasskeyAnswer bounds what a browser answers, in bytes. An attestation with a chain of certificates is the largest.
const maxPasskeyAnswer = 64 << 10

// relyingParty is the portal as passkeys know it: the host of its public address. It returns ErrNoPasskeys where that is an IP address,
// which WebAuthn does not take (WebAuthn Level 3, section 5.1.3, step 7).
func (s *Service) relyingParty() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(s.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	host := strings.ToLower(u.Hostname())
	if host == "" || net.ParseIP(host) != nil {
		return nil, ErrNoPasskeys
	}
	needed := true
	return webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: s.name(), RPOrigins: []string{u.Scheme + "://" + strings.ToLower(u.Host)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &needed, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{ // told to browsers; that the time is over is decided by our own clock, with the challenge
			Login: webauthn.TimeoutConfig{Timeout: challengeLife}, Registration: webauthn.TimeoutConfig{Timeout: challengeLife},
		},
	})
}

// PasskeysOffered reports whether this portal can have passkeys at all.
func (s *Service) PasskeysOffered() bool {
	_, err := s.relyingParty()
	return err == nil
}

// keyHolder is a person as the library sees them.
type keyHolder struct {
	user portal.User
	keys []portal.Passkey
}

func (h keyHolder) WebAuthnID() []byte { return []byte(h.user.ID) } // opaque, and not the address, which may change

func (h keyHolder) WebAuthnName() string {
	if h.user.Email != "" {
		return h.user.Email
	}
	return h.WebAuthnDisplayName()
}

func (h keyHolder) WebAuthnDisplayName() string {
	if h.user.Name != "" {
		return h.user.Name
	}
	return string(h.user.ID)
}

func (h keyHolder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(h.keys))
	for i, k := range h.keys {
		all[i] = webauthn.Credential{
			ID: k.CredentialID, PublicKey: k.PublicKey, AttestationType: "none", AttestationFormat: "none",
			Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: k.UserVerified, BackupEligible: k.BackupEligible, BackupState: k.BackedUp},
			Authenticator: webauthn.Authenticator{AAGUID: k.AAGUID, SignCount: k.SignCount},
		}
		for _, t := range k.Transports {
			all[i].Transport = append(all[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return all
}

func holder(tx *store.Tx, user portal.User) (keyHolder, error) {
	keys, err := tx.Passkeys(user.ID)
	return keyHolder{user, keys}, err
}

// keepChallenge writes down what the browser is asked to sign. Its value is random, so its hash names it.
func keepChallenge(tx *store.Tx, asked *webauthn.SessionData, c store.Challenge) error {
	state, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("keep challenge: %w", err)
	}
	c.State, c.ExpiresAt = string(state), tx.Now.Add(challengeLife)
	return tx.CreateChallenge(digest("passkey", asked.Challenge), c)
}

// countAsk counts a challenge that a signed-in person asks for. It returns ErrTooManyTries.
func countAsk(tx *store.Tx, id portal.UserID) error {
	wait, err := tx.Attempt(portal.LimitPasskeyAsk, string(id))
	if err == nil && wait > 0 {
		err = ErrTooManyTries.WithRetryAfter(wait)
	}
	return err
}

// takeChallenge finds what an answer belongs to and uses it up, whatever becomes of the answer. It returns ErrPasskeyEnded for what was
// answered, is too old, or was asked of somebody else or for something else.
func takeChallenge(tx *store.Tx, challenge, purpose string, session portal.Session) (webauthn.SessionData, error) {
	var asked webauthn.SessionData
	c, err := tx.TakeChallenge(digest("passkey", challenge))
	switch {
	case errors.Is(err, portal.ErrNotFound):
		return asked, ErrPasskeyEnded
	case err != nil:
		return asked, err
	case !tx.Now.Before(c.ExpiresAt), c.Purpose != purpose, c.Session != session.ID, c.User != session.User:
		return asked, ErrPasskeyEnded
	}
	if err := json.Unmarshal([]byte(c.State), &asked); err != nil {
		return asked, fmt.Errorf("read challenge: %w", err)
	}
	return asked, nil
}

// parseNewPasskey and parsePasskey read what a browser sent: PublicKeyCredential.toJSON(). They return ErrPasskeyRefused for what is not that.
func parseNewPasskey(answer []byte) (*protocol.ParsedCredentialCreationData, error) {
	if len(answer) > maxPasskeyAnswer {
		return nil, ErrPasskeyRefused
	}
	p, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil || p == nil || p.Response.CollectedClientData.Challenge == "" {
		return nil, ErrPasskeyRefused
	}
	return p, nil
}

func parsePasskey(answer []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > maxPasskeyAnswer {
		return nil, ErrPasskeyRefused
	}
	p, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil || p == nil || p.Response.CollectedClientData.Challenge == "" {
		return nil, ErrPasskeyRefused
	}
	return p, nil
}

// BeginPasskey asks the person's browser to make a passkey. The options are what navigator.credentials.create() takes, in JSON. It is
// BeginTOTP in all else.
func (s *Service) BeginPasskey(ctx context.Context, who Who) (options json.RawMessage, err error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayEnrol(tx, who, portal.FactorPasskey); err != nil {
			return err
		}
		if err := countAsk(tx, who.User.ID); err != nil {
			return err
		}
		h, err := holder(tx, who.User)
		if err != nil {
			return err
		}
		creation, asked, err := rp.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()))
		if err != nil {
			return err
		}
		if options, err = json.Marshal(creation.Response); err != nil {
			return err
		}
		return keepChallenge(tx, asked, store.Challenge{Purpose: toEnrol, User: who.User.ID, Session: who.Session.ID})
	})
	if err != nil {
		return nil, fmt.Errorf("begin passkey: %w", err)
	}
	return options, nil
}

// ConfirmPasskey takes the passkey that the browser made. The person was verified for it, so it counts as shown. It returns
// ErrPasskeyEnded, ErrPasskeyRefused, ErrPasskeyKnown or an invalid-input error.
func (s *Service) ConfirmPasskey(ctx context.Context, who Who, name string, answer []byte) (Confirmed, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return Confirmed{}, err
	}
	if name, err = factorName(name); err != nil {
		return Confirmed{}, err
	}
	made, err := parseNewPasskey(answer)
	if err != nil {
		return Confirmed{}, err
	}
	var codes []portal.Secret
	var fresh *webauthn.Credential
	in, err := s.prove(ctx, who, proof{
		action: "factor.confirm", kind: portal.FactorPasskey, signed: true,
		check: func(tx *store.Tx) (err error) {
			if err := s.mayEnrol(tx, who, portal.FactorPasskey); err != nil {
				return err
			}
			asked, err := takeChallenge(tx, made.Response.CollectedClientData.Challenge, toEnrol, who.Session)
			if err != nil {
				return err
			}
			if fresh, err = rp.CreateCredential(keyHolder{user: who.User}, asked, made); err != nil {
				s.logRefused(ctx, "enrol", err)
				return ErrPasskeyRefused
			}
			if known, err := tx.HasCredential(fresh.ID); err != nil || known {
				return errors.Join(err, ErrPasskeyKnown)
			}
			return nil
		},
		then: func(tx *store.Tx) (err error) {
			if err := createPasskey(tx, who, name, fresh); err != nil {
				return err
			}
			codes, err = firstRecoveryCodes(tx, who.User.ID)
			return err
		},
	})
	if err != nil {
		return Confirmed{}, err
	}
	return Confirmed{SignedIn: in, Codes: codes}, nil
}

func createPasskey(tx *store.Tx, who Who, name string, c *webauthn.Credential) error {
	f := portal.Factor{
		ID: portal.NewID[portal.FactorID](tx.Now), User: who.User.ID, Kind: portal.FactorPasskey, Name: name, CreatedAt: tx.Now, ConfirmedAt: tx.Now,
	}
	if err := tx.CreateFactor(f); err != nil {
		return err
	}
	key := portal.Passkey{
		Factor: f.ID, User: f.User, CredentialID: c.ID, PublicKey: c.PublicKey, AAGUID: c.Authenticator.AAGUID, SignCount: c.Authenticator.SignCount,
		UserVerified: c.Flags.UserVerified, BackupEligible: c.Flags.BackupEligible, BackedUp: c.Flags.BackupState,
	}
	for _, t := range c.Transport {
		if len(key.Transports) < 8 && plainText(string(t), 32) { // the browser's word, only handed back to it
			key.Transports = append(key.Transports, string(t))
		}
	}
	if err := tx.CreatePasskey(key); err != nil {
		return err
	}
	return tx.Audit(who.Actor(), "factor.add", "factor:"+string(f.ID), map[string]any{
		"kind": f.Kind, "name": f.Name, "backupEligible": key.BackupEligible, "backedUp": key.BackedUp,
	})
}

// logRefused writes why a passkey's answer was refused. What the library says quotes no secret, and is cut.
func (s *Service) logRefused(ctx context.Context, what string, err error) {
	cause := err.Error()
	var e *protocol.Error
	if errors.As(err, &e) && e.DevInfo != "" {
		cause += ": " + e.DevInfo
	}
	s.log().WarnContext(ctx, "passkey refused", "what", what, "cause", cleanText(cause, 300))
}
