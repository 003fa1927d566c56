package peers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// tokenLife is how long an enrolment token works.
const tokenLife = time.Hour

// onceEnrol is the kind of the row that marks an enrolment token as used.
const onceEnrol = "enrol_gateway"

// What a node that enrols may be told.
var (
	ErrTokenUsed    = &portal.Error{Kind: portal.Gone, Code: "enrol_token_used", Msg: "This enrolment token was used. Make a new one in the portal."}
	ErrTokenExpired = &portal.Error{Kind: portal.Gone, Code: "enrol_token_expired", Msg: "This enrolment token has expired: it works for an hour. Make a new one in the portal."}
)

// EnrolmentToken is shown once. Command is the line to paste on the node; it holds the secret.
type EnrolmentToken struct {
	Secret    portal.Secret
	ExpiresAt time.Time
	Command   portal.Secret
}

// NewToken makes another token for a gateway that is not retired; those from before stop working. Enrolling again replaces the node's keys.
func (g *Gateways) NewToken(ctx context.Context, by portal.Actor, id portal.GatewayID) (EnrolmentToken, error) {
	if !manages(by) {
		return EnrolmentToken{}, portal.ErrForbidden
	}
	a, err := g.ca(ctx)
	if err != nil {
		return EnrolmentToken{}, err
	}
	var made EnrolmentToken
	err = g.Store.Tx(ctx, func(tx *store.Tx) error {
		row, err := tx.LockGateway(id)
		if err != nil {
			return err
		}
		if row.State == portal.GatewayRetired {
			return portal.ErrNotFound
		}
		if made, err = g.newToken(tx, a, id); err != nil {
			return err
		}
		return tx.Audit(by, "gateway.token", "gateway:"+string(id), nil)
	})
	if err != nil {
		return EnrolmentToken{}, fmt.Errorf("make enrolment token of gateway %s: %w", id, err)
	}
	return made, nil
}

func (g *Gateways) newToken(tx *store.Tx, a *authority, id portal.GatewayID) (EnrolmentToken, error) {
	token := feed.NewToken(a.cert.Raw)
	expires := tx.Now.Add(tokenLife)
	if err := tx.ReplaceEnrolToken(id, token.Hash(), expires); err != nil {
		return EnrolmentToken{}, err
	}
	return EnrolmentToken{Secret: token.Text(), ExpiresAt: expires, Command: g.command(token.Text())}, nil
}

// command is the line to paste. Everything in it is ours, so nothing needs quoting.
func (g *Gateways) command(token portal.Secret) portal.Secret {
	words := g.Command
	if words == "" {
		words = "sallyport-gateway enrol"
	}
	return portal.NewSecretText(words + " --portal " + strings.Join(g.Portals, ",") + " --token " + token.Reveal())
}

// Enrol trades a token and a signing request for a certificate; the token works once, whoever else tries at the same time. Errors:
// feed.ErrToken, ErrTokenUsed, ErrTokenExpired, ErrCSR, portal.ErrPublicKey, ErrKeyTaken for the key of a device or of another gateway.
// A node from before loses its certificate and its stream at once. An address that has sent many wrong tokens gets feed.ErrTooOften for the next.
func (g *Gateways) Enrol(ctx context.Context, ask feed.EnrolAsk) (feed.EnrolGrant, error) {
	grant, err := g.enrolOnce(ctx, ask)
	if !errors.Is(err, feed.ErrToken) {
		return grant, err
	}
	wait, counted := g.countWrong(ctx, portal.TryKey(ask.Addr.Addr()))
	if counted != nil {
		return grant, fmt.Errorf("count a wrong enrolment token: %w", counted)
	}
	if wait > 0 {
		return grant, feed.ErrTooOften.WithRetryAfter(wait)
	}
	return grant, err
}

// countWrong counts a wrong token and returns how long to wait. Who has to wait already costs a read.
func (g *Gateways) countWrong(ctx context.Context, key string) (wait time.Duration, err error) {
	err = g.Store.View(ctx, func(tx *store.Tx) error { wait, err = tx.Locked(portal.LimitEnrolAddr, key); return err })
	if err != nil || wait > 0 {
		return wait, err
	}
	err = g.Store.Tx(ctx, func(tx *store.Tx) error { wait, err = tx.Attempt(portal.LimitEnrolAddr, key); return err })
	return wait, err
}

func (g *Gateways) enrolOnce(ctx context.Context, ask feed.EnrolAsk) (feed.EnrolGrant, error) {
	a, err := g.ca(ctx)
	if err != nil {
		return feed.EnrolGrant{}, err
	}
	token, err := feed.ParseToken(ask.Token)
	if err != nil {
		return feed.EnrolGrant{}, err
	}
	if !token.IsFrom(a.cert.Raw) {
		return feed.EnrolGrant{}, feed.ErrToken
	}
	if ask.PublicKey.IsZero() || !canonical(ask.PublicKey) {
		return feed.EnrolGrant{}, portal.ErrPublicKey
	}
	grant := feed.EnrolGrant{Authority: a.cert.Raw, Portals: g.Portals}
	err = g.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		grant.Gateway, grant.Certificate, err = g.enrol(tx, a, token, ask)
		return err
	})
	if err != nil {
		return feed.EnrolGrant{}, fmt.Errorf("enrol a gateway: %w", err)
	}
	return grant, nil
}

func (g *Gateways) enrol(tx *store.Tx, a *authority, token feed.Token, ask feed.EnrolAsk) (portal.GatewayID, []byte, error) {
	id, err := useToken(tx, token)
	if err != nil {
		return "", nil, err
	}
	epoch, err := tx.NextEpoch() // before the gateway's row, as OpenStream does
	if err != nil {
		return "", nil, err
	}
	row, err := tx.LockGateway(id)
	if err != nil {
		return "", nil, err
	}
	if err := tx.LockFeed(); err != nil { // no device can take the key meanwhile
		return "", nil, err
	}
	switch used, err := tx.KeyUses(ask.PublicKey, id); {
	case err != nil:
		return "", nil, err
	case used > 0:
		return "", nil, ErrKeyTaken
	}
	leaf, err := a.signGateway(ask.CSR, id, g.Now(), g.life())
	if err != nil {
		return "", nil, err
	}
	if row.State == portal.GatewayPending {
		row.State = portal.GatewayActive
	}
	row.PublicKey, row.CertSerial, row.CertEnds, row.Version = ask.PublicKey, leaf.SerialNumber.Text(16), leaf.NotAfter, ask.Version
	if err := tx.EnrolGateway(row, epoch); err != nil {
		return "", nil, err
	}
	if err := putGateway(tx, row); err != nil {
		return "", nil, err
	}
	by := portal.Actor{Gateway: id, Addr: ask.Addr.Addr()}
	return id, leaf.Raw, tx.Audit(by, "gateway.enrol", "gateway:"+string(id), map[string]string{"public_key": ask.PublicKey.String(), "serial": row.CertSerial})
}

// useToken uses the token up and returns whose it is.
func useToken(tx *store.Tx, token feed.Token) (portal.GatewayID, error) {
	id, expires, err := tx.EnrolToken(token.Hash())
	if errors.Is(err, portal.ErrNotFound) {
		return "", feed.ErrToken // unknown, replaced by a newer one, or its gateway was retired
	}
	if err != nil {
		return "", err
	}
	switch err := tx.UseOnce(onceEnrol, token.Hash(), 2*tokenLife); {
	case errors.Is(err, portal.ErrAlreadyUsed):
		return "", ErrTokenUsed
	case err != nil:
		return "", err
	}
	if !tx.Now.Before(expires) {
		return "", ErrTokenExpired
	}
	return id, nil
}

// Renew gives the owner of a good certificate a new one. The old one stays good until the new one is used; then it is void.
func (g *Gateways) Renew(ctx context.Context, who feed.StreamAsk, csr []byte) ([]byte, error) {
	a, err := g.ca(ctx)
	if err != nil {
		return nil, err
	}
	leaf, err := a.signGateway(csr, who.Gateway, g.Now(), g.life())
	if err != nil {
		return nil, err
	}
	serial := leaf.SerialNumber.Text(16)
	err = g.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.UseCertificate(who.Gateway, who.Serial, who.Ends); err != nil {
			return refusal(tx, who.Gateway, err)
		}
		if err := tx.SetNextSerial(who.Gateway, who.Serial, serial); err != nil {
			return err
		}
		by := portal.Actor{Gateway: who.Gateway, Addr: who.Addr.Addr()}
		return tx.Audit(by, "gateway.renew", "gateway:"+string(who.Gateway), map[string]string{"serial": serial})
	})
	if err != nil {
		return nil, fmt.Errorf("renew certificate of gateway %s: %w", who.Gateway, err)
	}
	return leaf.Raw, nil
}

func (g *Gateways) life() time.Duration {
	if g.CertificateLife > 0 {
		return g.CertificateLife
	}
	return gatewayLife
}
