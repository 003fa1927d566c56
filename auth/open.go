package auth

import (
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// opening is how a session begins.
type opening struct {
	user     portal.User // locked
	provider string
	who      person            // whom the provider vouches for; the zero value where none did
	factor   portal.FactorKind // shown with the sign-in itself; "" for none
	action   string            // in the audit trail
	detail   map[string]string
}

// openSession opens a session for a person who has just signed in. Where the person may use the portal at once, it lives as long as any;
// where the sign-in is good for tunnels too, they run again.
func (s *Service) openSession(tx *store.Tx, o opening, from Browser) (SignedIn, error) {
	secret := newSecret()
	limits := s.Limits.withDefaults()
	session := portal.Session{
		ID: portal.NewID[portal.SessionID](tx.Now), User: o.user.ID, CreatedAt: tx.Now, SeenAt: tx.Now, ExpiresAt: tx.Now.Add(limits.Unproven),
		Provider: o.provider, UserAgent: cleanText(from.UserAgent, 256), Addr: from.Addr,
	}
	vouched := o.who.issuer != ""
	if vouched {
		if err := s.takeUpstream(&session, o.who); err != nil {
			return SignedIn{}, err
		}
	}
	if o.factor != "" {
		session.FactorAt, session.Factor = tx.Now, o.factor
	}
	if err := tx.NoteSignIn(o.user.ID, vouched); err != nil {
		return SignedIn{}, err
	}
	stage, trusted, err := place(tx, session)
	if err != nil {
		return SignedIn{}, err
	}
	if stage == Ready {
		session.ExpiresAt = tx.Now.Add(limits.Absolute)
	}
	if err := endBefore(tx, o.user, from); err != nil {
		return SignedIn{}, err
	}
	if err := tx.CreateSession(session, digest(forSession, secret.Reveal())); err != nil {
		return SignedIn{}, err
	}
	by := actorOf(o.user, from)
	by.FactorAt = session.FactorAt
	if stage == Ready && !trusted.IsZero() && tx.Now.Sub(trusted) <= limits.Renew { // a provider's factor may be of last week
		if err := s.Tunnels.Renew(tx, by, o.user.ID); err != nil {
			return SignedIn{}, err
		}
	}
	if err := tx.Audit(by, o.action, "session:"+string(session.ID), o.detail); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Session: session, Secret: secret, Stage: stage, ReturnTo: "/"}, nil
}

// takeUpstream keeps the provider's words for a session, and takes its own second factor where that counts: as old as the provider says that
// the sign-in there is. Where it does not say, the factor is good for signing in and not fresh.
func (s *Service) takeUpstream(session *portal.Session, who person) error {
	session.Upstream = who.upstream
	if token := who.idToken.Reveal(); token != "" && len(token) <= maxIDToken {
		sealed, err := s.Keys.Seal([]byte(token), idTokenPlace(session.ID))
		if err != nil {
			return err
		}
		session.Upstream.IDToken = string(sealed)
	}
	if !who.factor {
		return nil
	}
	session.Factor, session.FactorAt = portal.FactorProvider, session.CreatedAt.Add(-s.Limits.withDefaults().StepUp-time.Second)
	if at := who.authTime; !at.IsZero() {
		session.FactorAt = at
		if at.After(session.CreatedAt) {
			session.FactorAt = session.CreatedAt
		}
	}
	return nil
}

// maxIDToken is the longest ID token that is kept, in bytes, to be handed back at the end (RP-Initiated Logout 1.0, section 2): it becomes a
// part of a URL.
const maxIDToken = 4096

func idTokenPlace(id portal.SessionID) string { return "sessions/" + string(id) + "/id_token" }

// endBefore ends the session that the browser had: its cookie is replaced, and whoever else has a copy must not go on with it.
func endBefore(tx *store.Tx, user portal.User, from Browser) error {
	hash, ok := hashSecret(forSession, from.Before.Reveal())
	if !ok {
		return nil
	}
	old, err := tx.SessionBySecret(hash)
	if err != nil {
		return ignoreNotFound(err)
	}
	if err := tx.DeleteSession(old.User, old.ID); err != nil {
		return ignoreNotFound(err)
	}
	return tx.Audit(actorOf(user, from), "session.replace", "session:"+string(old.ID), map[string]string{"of": string(old.User)})
}
