package peers_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestOneEnrolmentTokenEnrolsOneOfHundredNodes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := h.gateways()
		made, token, err := g.CreateGateway(h.ctx(), h.admin, peers.NewGateway{PoP: h.pop.ID, Name: "busan-1", Host: "b.example.com"})
		h.ok(err)
		asks := make([]feed.EnrolAsk, 100)
		for i := range asks {
			asks[i] = feed.EnrolAsk{Token: token.Secret, CSR: signingRequest(t), PublicKey: newKey(t)}
		}
		var won atomic.Int64
		var winner portal.PublicKey
		var wg sync.WaitGroup
		start := make(chan struct{})
		for _, ask := range asks {
			wg.Go(func() {
				<-start
				_, err := g.Enrol(h.ctx(), ask)
				switch {
				case err == nil && won.Add(1) == 1:
					winner = ask.PublicKey
				case err != nil && !errors.Is(err, peers.ErrTokenUsed):
					t.Errorf("a loser hears %v", err)
				}
			})
		}
		close(start)
		wg.Wait()
		row, err := g.Gateway(h.ctx(), made.ID)
		h.ok(err)
		if won.Load() != 1 || row.PublicKey != winner {
			t.Errorf("%d of 100 enrolled; the gateway has the key of the first: %v", won.Load(), row.PublicKey == winner)
		}
	})
}

// Wrong tokens are counted by address and over all portals; a right one passes all the same.
func TestWrongEnrolmentTokensMakeTheirAddressWait(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g, replica := h.gateways(), h.gateways()
		replica.Keys = g.Keys
		_, token, err := g.CreateGateway(h.ctx(), h.admin, peers.NewGateway{PoP: h.pop.ID, Name: "busan-1", Host: "b.example.com"})
		h.ok(err)
		here := netip.MustParseAddrPort("192.0.2.1:5000")
		ask := func(token portal.Secret) feed.EnrolAsk {
			return feed.EnrolAsk{Token: token, CSR: signingRequest(t), PublicKey: newKey(t), Addr: here}
		}
		limit, err := portal.LimitOf(portal.LimitEnrolAddr)
		h.ok(err)
		h.tx(func(tx *store.Tx) error {
			for range limit.Free - 1 {
				if _, err := tx.Attempt(limit.Kind, portal.TryKey(here.Addr())); err != nil {
					return err
				}
			}
			return nil
		})
		wrong := portal.NewSecretText(strings.Repeat("x", 80))
		_, err = g.Enrol(h.ctx(), ask(wrong))
		wantErr(t, err, feed.ErrToken)
		_, err = replica.Enrol(h.ctx(), ask(wrong))
		wantErr(t, err, feed.ErrTooOften)
		h.tx(func(tx *store.Tx) error {
			if n, err := tx.Attempts(limit.Kind, portal.TryKey(here.Addr())); err != nil || n != limit.Free {
				t.Errorf("%d tries are counted, %v; one that has to wait is none", n, err)
			}
			return nil
		})
		var limited *portal.Error
		if !errors.As(err, &limited) || limited.RetryAfter < 1 {
			t.Errorf("it does not say for how long: %v", err)
		}
		_, err = g.Enrol(h.ctx(), ask(token.Secret))
		h.ok(err)
	})
}
