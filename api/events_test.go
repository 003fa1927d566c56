package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
)

// listener follows events.
type listener struct {
	t      testing.TB
	events chan event
	cancel context.CancelFunc
}

type event struct{ name, kind, id string }

func (v *visitor) listen() *listener {
	v.w.t.Helper()
	ctx, cancel := context.WithCancel(v.w.t.Context())
	client := *v.http
	client.Timeout = 0
	resp, err := client.Do(v.request("GET", "/events", nil).WithContext(ctx))
	if err != nil {
		v.w.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		v.w.t.Fatalf("events: %s %v", resp.Status, resp.Header)
	}
	l := &listener{t: v.w.t, events: make(chan event, 100), cancel: cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(l.events)
		defer resp.Body.Close()
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				e.name = value
			case "data":
				var d struct{ Kind, ID string }
				_ = json.Unmarshal([]byte(value), &d)
				e.kind, e.id = d.Kind, d.ID
			case "":
				if e.name != "" {
					l.events <- e
				}
				e = event{}
			}
		}
	}()
	v.w.t.Cleanup(func() {
		cancel()
		<-done
	})
	return l
}

// hears waits for an event of the kind about the id.
func (l *listener) hears(kind, id string) {
	l.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e, open := <-l.events:
			if !open {
				l.t.Fatalf("the stream ended before %s %s", kind, id)
			}
			if e.kind == kind && e.id == id {
				return
			}
		case <-deadline:
			l.t.Fatalf("never heard of %s %s", kind, id)
		}
	}
}

// ends waits for the end of the stream.
func (l *listener) ends() {
	l.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, open := <-l.events:
			if !open {
				return
			}
		case <-deadline:
			l.t.Fatal("the stream goes on")
		}
	}
}

func TestPeopleHearOfWhatConcernsThem(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	p := w.place(admin)
	ada, eve := w.ready("ada"), w.ready("eve")
	all, hers, other := admin.listen(), ada.listen(), eve.listen()

	id, key := ada.device(p, "Laptop")
	hers.hears("device", id)
	all.hears("device", id)
	w.until("the gateway has the key", func() bool { return p.node.has(key.Public()) }) // it speaks for devices that it serves only
	p.node.client.Report(feed.Report{Live: []portal.Live{{
		Device: portal.DeviceID(id), Handshake: w.now(), Rx: 1, Tx: 1, Endpoint: netip.MustParseAddrPort("192.0.2.9:1234"),
	}}})
	hers.hears("device", id)
	var seen struct{ Status string }
	w.until("the device is connected", func() bool {
		ada.want(http.StatusOK, "GET", "/devices/"+id, nil).into(t, &seen)
		return seen.Status == "connected"
	})
	ada.want(http.StatusOK, "DELETE", "/devices/"+id, nil)
	hers.hears("device", id)
	all.hears("device", id)

	mine, _ := eve.device(p, "Phone")
	for {
		e := <-other.events
		if e.kind == "device" && e.id == mine {
			break
		}
		if e.id == id || e.kind == "gateway" || e.kind == "person" && e.id != eve.id {
			t.Errorf("eve heard of %+v", e)
		}
	}
	_ = key
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	ada := w.ready("ada")
	l := ada.listen()
	ada.want(http.StatusNoContent, "DELETE", "/session", nil)
	l.ends()

	eve := w.ready("eve")
	l = eve.listen()
	admin.want(http.StatusOK, "POST", "/people/"+eve.id+"/suspend", nil)
	l.ends()
}

func TestAShutdownEndsStreams(t *testing.T) {
	w := newWorld(t)
	l := w.ready("ada").listen()
	w.CloseStreams()
	l.ends()
}

func TestASlowListenerIsToldToLookAtAll(t *testing.T) {
	b := api.NewBroker()
	take, _ := b.Listen("ada")
	for range 1000 {
		b.Tell("ada", "one")
	}
	if n, reset := take(); n != 1 || reset {
		t.Errorf("the same notice a thousand times: %d notices, reset %v", n, reset)
	}
	for i := range 1000 {
		b.Tell("ada", strings.Repeat("x", i))
	}
	if n, reset := take(); n != 0 || !reset {
		t.Errorf("a thousand notices: %d are kept, reset %v", n, reset)
	}
	b.Tell("eve", "one")
	if n, _ := take(); n != 0 {
		t.Error("ada heard of eve's device")
	}
	for range 100 {
		if _, ok := b.Listen("ada"); !ok {
			return
		}
	}
	t.Error("one person may have a hundred streams")
}
