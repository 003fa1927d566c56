package trail_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// collector is an HTTP receiver with the secret "s3cret"; more than most events at once are too large for it.
type collector struct {
	*httptest.Server
	status atomic.Int64 // what it answers; 0: it hangs; -1: it cuts the connection after it has read everything
	most   atomic.Int64
	posts  chan int
	seqs   chan uint64
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{posts: make(chan int, 100000), seqs: make(chan uint64, 100000)}
	c.status.Store(http.StatusNoContent)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("a redirect was followed")
		}
		if r.Header.Get("Authorization") != "Bearer s3cret" || r.Header.Get("Content-Type") != "application/json" || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var in struct{ Events []struct{ Seq uint64 } }
		if err := json.Unmarshal(body, &in); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		status := int(c.status.Load())
		if most := int(c.most.Load()); most > 0 && len(in.Events) > most {
			status = http.StatusRequestEntityTooLarge
		}
		c.posts <- len(in.Events)
		switch status {
		case 0:
			<-r.Context().Done()
			return
		case -1:
			panic(http.ErrAbortHandler)
		case http.StatusFound:
			w.Header().Set("Location", "/elsewhere")
		}
		if status/100 == 2 {
			for _, e := range in.Events {
				c.seqs <- e.Seq
			}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(c.CloseClientConnections)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) sink() *trail.HTTP {
	return &trail.HTTP{URL: c.URL + "/audit?key=hidden", Secret: portal.NewSecretText("s3cret")}
}

func TestHTTPGetsEveryEventInOrderThroughOutages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newCollector(t)
		write(t, s, 20)
		stop := forward(t, s, c.sink())
		gather(t, c.seqs, 1, 20)
		next := uint64(21)
		for _, status := range []int64{500, 0, -1, http.StatusFound, 429} {
			c.status.Store(status)
			write(t, s, 20)
			drain(c.posts)
			<-c.posts // tried
			<-c.posts // and again
			c.status.Store(http.StatusOK)
			gather(t, c.seqs, next, next+19)
			next += 20
		}
		stop()
		write(t, s, 5) // while no portal runs
		forward(t, s, c.sink())
		gather(t, c.seqs, next, next+4)
		awaitSink(t, s, next+4)
	})
}

func drain(posts <-chan int) {
	for {
		select {
		case <-posts:
		default:
			return
		}
	}
}

func TestSmallReceiverGetsSmallBatches(t *testing.T) {
	s, c := storetest.New(t), newCollector(t)
	c.most.Store(3)
	write(t, s, 40)
	forward(t, s, c.sink())
	gather(t, c.seqs, 1, 40)
}

func TestOutageIsToldWithoutSecrets(t *testing.T) {
	s, c := storetest.New(t), newCollector(t)
	c.Server.Close()
	write(t, s, 1)
	stop := forward(t, s, c.sink())
	for sinkAt(t, s).Problem == "" {
		if t.Context().Err() != nil {
			t.Fatal("no problem is noted")
		}
	}
	problem := sinkAt(t, s).Problem
	stop()
	if strings.Contains(problem, "hidden") || strings.Contains(problem, "s3cret") || !strings.Contains(problem, "connection refused") {
		t.Errorf("the problem is told as %q", problem)
	}
}

func TestWritersDoNotWaitForAReceiver(t *testing.T) {
	s, c := storetest.New(t), newCollector(t)
	c.status.Store(0) // hangs
	write(t, s, 1)
	forward(t, s, c.sink())
	<-c.posts
	write(t, s, 200) // would not end within the test's time if a write waited for a delivery that hangs
	if at := sinkAt(t, s); at.Seq != 0 {
		t.Errorf("a receiver that hangs is at %d", at.Seq)
	}
}

func TestTwoPortalsSendOnce(t *testing.T) {
	s := storetest.NewPostgres(t)
	c := newCollector(t)
	write(t, s, 100)
	forward(t, s, c.sink())
	forward(t, s, c.sink())
	gather(t, c.seqs, 1, 100)
	write(t, s, 100)
	if repeats := gather(t, c.seqs, 101, 200); repeats != 0 || len(c.seqs) != 0 {
		t.Errorf("%d repeats, %d more", repeats, len(c.seqs))
	}
}

func TestWrongSecretIsRefused(t *testing.T) {
	s, c := storetest.New(t), newCollector(t)
	write(t, s, 1)
	sink := c.sink()
	sink.Secret = portal.NewSecretText("wrong")
	err := s.View(t.Context(), func(tx *store.Tx) error {
		events, err := tx.AuditAfter(store.AuditFilter{}, 0, 0, 10)
		return errors.Join(err, sink.Deliver(t.Context(), events))
	})
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v", err)
	}
}
