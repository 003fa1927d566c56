package feed_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

var probe = portal.Probe{To: netip.MustParseAddr("192.168.0.9"), Transport: portal.TCP, Port: 443}

func TestGatewayAnswersAProbe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		pop := s.pop("192.168.0.0/16")
		creds := s.enrol(pop)
		if _, err := s.hub.Probe(t.Context(), creds.Gateway, probe); !errors.Is(err, feed.ErrNoStream) {
			t.Errorf("without a stream: %v, want %v", err, feed.ErrNoStream)
		}
		n := newNode(t, creds)
		saw := portal.ProbeResult{Outcome: portal.ProbeAnswered, Sent: 2, Received: 1, Took: 3 * time.Millisecond}
		asked := make(chan portal.Probe, 1)
		n.client.Probe = func(_ context.Context, p portal.Probe) portal.ProbeResult {
			asked <- p
			return saw
		}
		n.start()
		awaitStream(t, s, creds.Gateway)
		got, err := s.hub.Probe(t.Context(), creds.Gateway, probe)
		if err != nil || got != saw {
			t.Errorf("the hub got %+v, %v, want %+v", got, err, saw)
		}
		if p := <-asked; p != probe {
			t.Errorf("the gateway was asked for %+v, want %+v", p, probe)
		}
	})
}

func awaitStream(t *testing.T, s *site, id portal.GatewayID) {
	t.Helper()
	events, stop := s.hub.Subscribe()
	defer stop()
	deadline := time.After(patience)
	for !s.hub.Status(id).Connected {
		select {
		case <-events:
		case <-deadline:
			t.Fatal("no stream")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestProbesAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		creds := s.enrol(s.pop("192.168.0.0/16"))
		n := newNode(t, creds)
		release := make(chan struct{})
		n.client.Probe = func(ctx context.Context, _ portal.Probe) portal.ProbeResult {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return portal.ProbeResult{Outcome: portal.ProbeSilent}
		}
		n.start()
		awaitStream(t, s, creds.Gateway)
		const tries = 30
		outcomes := make(chan error, tries)
		var all sync.WaitGroup
		for range tries {
			all.Go(func() {
				_, err := s.hub.Probe(t.Context(), creds.Gateway, probe)
				outcomes <- err
			})
		}
		refused := 0
		for range tries - 4 { // the first four wait; who comes then is sent away at once
			if err := <-outcomes; errors.Is(err, feed.ErrProbes) {
				refused++
			}
		}
		close(release)
		all.Wait()
		if refused != tries-4 {
			t.Errorf("%d of %d were refused, want all but four", refused, tries)
		}
	})
}
