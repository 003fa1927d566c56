package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// LogoutPath is where providers say that a session of theirs has ended, followed by the provider's id.
const LogoutPath = "/auth/backchannel-logout/"

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout" // Back-Channel Logout 1.0, section 2.4
	logoutAge   = 5 * time.Minute                                      // of a logout token at most; providers send them at once
	maxLogout   = 16 << 10                                             // bytes
)

// ErrLogoutToken refuses a logout token. The reason is in the log and the audit trail.
var ErrLogoutToken = &portal.Error{Kind: portal.Invalid, Code: "invalid_logout_token", Msg: "The logout token is not good."}

// loggedOut is what a good logout token says.
type loggedOut struct{ subject, session, id string }

// BackChannelLogout ends the sessions that a provider's logout token names, and the grants of profiles that end with them. Each token works
// once. It returns ErrNoProvider, ErrProviderDown, ErrLogoutToken or ErrTooManyTries.
func (s *Service) BackChannelLogout(ctx context.Context, provider, token string, from Browser) error {
	p, err := s.provider(ctx, provider)
	if err != nil {
		return err
	}
	if err := s.locked(ctx, portal.LimitRefused, from); err != nil { // before keys are asked for
		return err
	}
	said, err := s.readLogoutToken(ctx, p, token)
	if err == nil {
		err = s.endUpstream(ctx, p, said, from)
	}
	var no *refusal
	if errors.As(err, &no) {
		return s.noteRefused(ctx, logoutRefused, "provider:"+p.ID, no, from)
	}
	return err
}

// readLogoutToken checks all of a token but that it was not there before (Back-Channel Logout 1.0, section 2.6).
func (s *Service) readLogoutToken(ctx context.Context, p *Provider, token string) (loggedOut, error) {
	bad := func(reason string, err error) (loggedOut, error) {
		return loggedOut{}, refuse(ErrLogoutToken, "logout_"+reason, err)
	}
	if token == "" || len(token) > maxLogout {
		return bad("token", nil)
	}
	if kind := tokenType(token); !slices.Contains([]string{"", "JWT", "jwt", "logout+jwt", "application/logout+jwt"}, kind) {
		return bad("type", nil)
	}
	m, err := p.metadata(ctx, s.now())
	if err != nil {
		return loggedOut{}, refuse(ErrProviderDown, "discovery", err)
	}
	now := s.now()
	verifier := m.provider.Verifier(&oidc.Config{ClientID: p.ClientID, SkipExpiryCheck: true})
	t, err := verifier.Verify(oidc.ClientContext(ctx, p.client()), token)
	if noKeys(err) { // the provider will try again
		return loggedOut{}, refuse(ErrProviderDown, "keys", errNoKeys)
	}
	if err != nil {
		return bad("signature", err)
	}
	said := claims{}
	if err := t.Claims(&said); err != nil {
		return bad("claims", err)
	}
	events := map[string]map[string]any{}
	if err := json.Unmarshal(said["events"], &events); err != nil || events[logoutEvent] == nil {
		return bad("events", err)
	}
	out := loggedOut{subject: said.text("sub"), session: said.text("sid"), id: said.text("jti")}
	expires, hasEnd := said["exp"]
	_, nonce := said["nonce"]
	switch {
	case t.Issuer != p.Issuer:
		return bad("issuer", nil)
	case nonce:
		return bad("nonce", nil)
	case t.IssuedAt.IsZero() || t.IssuedAt.Unix() <= 0, t.IssuedAt.After(now.Add(p.skew())), now.Sub(t.IssuedAt) > logoutAge+p.skew():
		return bad("issued_at", nil)
	case hasEnd && (said.time("exp").IsZero() || now.After(said.time("exp").Add(p.skew()))):
		return bad("expired", fmt.Errorf("exp %.20s", expires))
	case out.id == "" || !plainText(out.id, 512):
		return bad("jti", nil)
	case out.subject == "" && out.session == "", !plainText(out.subject, maxSubject), !plainText(out.session, maxSubject):
		return bad("nobody", nil)
	}
	return out, nil
}

func (s *Service) endUpstream(ctx context.Context, p *Provider, said loggedOut, from Browser) error {
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		err := tx.UseOnce("logout_token", digest("logout", p.Issuer, said.id), time.Hour)
		if errors.Is(err, portal.ErrAlreadyUsed) {
			return refuse(ErrLogoutToken, "logout_used", nil)
		}
		if err != nil {
			return err
		}
		users, ended, err := tx.EndUpstream(p.Issuer, said.subject, said.session)
		if err != nil {
			return err
		}
		if said.subject != "" { // whose web session has ended already, and whose tunnels run
			more, err := tx.UsersUpstream(p.Issuer, said.subject)
			if err != nil {
				return err
			}
			users = append(users, more...)
		}
		slices.Sort(users)
		users = slices.Compact(users)
		grants := 0
		for _, id := range users {
			n, err := s.Tunnels.LoggedOut(tx, portal.System, id)
			if err != nil {
				return err
			}
			grants += n
		}
		return tx.Audit(portal.Actor{Addr: from.Addr, RequestID: from.RequestID}, "session.provider_logout", "provider:"+p.ID,
			map[string]any{"sessions": ended, "grants": grants, "people": users})
	})
	var no *refusal
	if err != nil && !errors.As(err, &no) {
		return fmt.Errorf("log out by %s: %w", p.ID, err)
	}
	return err
}

// SignOutUpstream returns where to send the browser of a session that has just ended, so that it ends at its provider too; "" for nowhere: the
// provider does not offer it, or is not set to. The provider sends the browser back to the sign-in page (RP-Initiated Logout 1.0).
func (s *Service) SignOutUpstream(ctx context.Context, ended portal.Session) string {
	if ended.Upstream.Issuer == "" {
		return ""
	}
	p, err := s.provider(ctx, ended.Provider)
	if err != nil || !p.Logout || p.Issuer != ended.Upstream.Issuer {
		return ""
	}
	m, err := p.metadata(ctx, s.now())
	if err != nil || m.endSession == "" {
		return ""
	}
	to, err := url.Parse(m.endSession)
	if err != nil {
		return ""
	}
	q := to.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", s.PublicURL+"/sign-in")
	if ended.Upstream.IDToken != "" {
		hint, err := s.Keys.Open([]byte(ended.Upstream.IDToken), idTokenPlace(ended.ID))
		if err == nil { // without it the provider asks first
			q.Set("id_token_hint", string(hint))
		}
	}
	to.RawQuery = q.Encode()
	return to.String()
}
