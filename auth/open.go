package auth

import (
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// opening is how a session begins.
type opening struct {
	user     portal.User // locked
	provider string
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
	if o.factor != "" {
		session.FactorAt, session.Factor = tx.Now, o.factor
	}
	if err := tx.NoteSignIn(o.user.ID, o.factor == "" && o.provider != portal.ProviderLocal); err != nil {
		return SignedIn{}, err
	}
	stage, trusted, err := place(tx, session)
	if err != nil {
		return SignedIn{}, err
	}
	if stage == Ready {
		session.ExpiresAt = tx.Now.Add(limits.Absolute)
	}
	if err := tx.CreateSession(session, digest(forSession, secret.Reveal())); err != nil {
		return SignedIn{}, err
	}
	by := actorOf(o.user, from)
	by.FactorAt = session.FactorAt
	if stage == Ready && !trusted.IsZero() {
		if err := s.Tunnels.Renew(tx, by, o.user.ID); err != nil {
			return SignedIn{}, err
		}
	}
	if err := tx.Audit(by, o.action, "session:"+string(session.ID), o.detail); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Session: session, Secret: secret, Stage: stage, ReturnTo: "/"}, nil
}
