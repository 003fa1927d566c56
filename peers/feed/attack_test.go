package feed_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// ask posts a body to the portal and returns the answer's status and text.
func ask(t *testing.T, s *site, config *tls.Config, path, kind, body string) (int, string) {
	t.Helper()
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	config.InsecureSkipVerify = true
	transport := &http.Transport{TLSClientConfig: config, Protocols: &protocols}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, string(text)
}

func TestListenerRefusesWhoHasNoRight(t *testing.T) {
	s := newSite(t, storetest.New(t))
	pop := s.pop()
	s.putEntry(s.profile(s.pool()), "secret-device")
	mine := s.enrol(pop)
	stranger := newSite(t, storetest.New(t))
	foreign := stranger.enrol(stranger.pop())
	void := s.enrol(pop) // enrolled anew by another node, so this certificate is void
	token, err := s.gateways.NewToken(t.Context(), admin, void.Gateway)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: s.addr, Token: token.Secret, PublicKey: wireguardKey(t)}); err != nil {
		t.Fatal(err)
	}
	const hi = `{"hello":{"since":0,"hash":"","version":"x","gateway":"another","pop":"another"}}` + "\n"
	for _, c := range []struct {
		name, path, kind, body string
		config                 *tls.Config
		status                 int // 0: no connection at all
		code                   string
	}{
		{"stream without certificate", "/v1/stream", "", hi, &tls.Config{}, 401, "certificate_required"},
		{"renewal without certificate", "/v1/renew", "application/json", `{"csr":""}`, &tls.Config{}, 401, "certificate_required"},
		{"certificate of another portal", "/v1/stream", "", hi, feed.ClientTLS(foreign), 0, ""},
		{"void certificate", "/v1/stream", "", hi, feed.ClientTLS(void), 401, "certificate_void"},
		{"renewal with a void certificate", "/v1/renew", "application/json", `{"csr":"` + csrText(t) + `"}`, feed.ClientTLS(void), 401, "certificate_void"},
		{"no hello", "/v1/stream", "", "{}\n", feed.ClientTLS(mine), 400, "malformed"},
		{"noise for a hello", "/v1/stream", "", "\x00\xff\n", feed.ClientTLS(mine), 400, "malformed"},
		{"endless hello", "/v1/stream", "", strings.Repeat("x", 2<<20), feed.ClientTLS(mine), 400, "malformed"},
		{"enrolment of a huge size", "/v1/enrol", "application/json", `{"token":"` + strings.Repeat("x", 1<<20) + `"}`, &tls.Config{}, 413, "too_large"},
		{"enrolment as a form", "/v1/enrol", "text/plain", `{}`, &tls.Config{}, 415, "content_type"},
		{"enrolment of noise", "/v1/enrol", "application/json", `{"token":1}`, &tls.Config{}, 400, "malformed"},
		{"two enrolments in one", "/v1/enrol", "application/json", `{}{}`, &tls.Config{}, 400, "malformed"},
		{"another path", "/metrics", "", "", &tls.Config{}, 404, "no_route"},
		{"an old TLS", "/v1/enrol", "application/json", "{}", &tls.Config{MaxVersion: tls.VersionTLS12}, 0, ""},
	} {
		status, text := ask(t, s, c.config, c.path, c.kind, c.body)
		if status != c.status || status != 0 && !strings.Contains(text, c.code) || strings.Contains(text, "secret-device") {
			t.Errorf("%s: got %d %.200s, want %d with %s", c.name, status, text, c.status, c.code)
		}
	}
}

func csrText(t *testing.T) string { return feed.Base64(signingRequest(t)) }

func TestGatewayCannotPoseAsThePortal(t *testing.T) {
	s := newSite(t, storetest.New(t))
	rogue := s.enrol(s.pop())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: feed.ClientTLS(rogue).Certificates, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).HandshakeContext(t.Context())
			c.Close()
		}
	}()
	defer func() { l.Close(); <-done }()
	_, token := s.gateway(s.pop())
	if _, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: l.Addr().String(), Token: token, PublicKey: wireguardKey(t)}); err == nil {
		t.Error("a node enrols at a gateway that poses as the portal")
	}
	victim := newNode(t, withPortals(s.enrol(s.pop()), l.Addr().String(), s.addr)).start()
	victim.await("a stream with the real portal", func(*portal.State) bool { return victim.client.Connected() || len(victim.state.Node.Gateway) > 0 })
}

func TestGatewaySpeaksOnlyForDevicesThatItServes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		here, there := s.pop(), s.pop()
		pool := s.pool()
		own := s.putEntry(s.profile(pool, here), "own")
		s.putEntry(s.profile(pool, there), "foreign")
		n := newNode(t, s.enrol(here)).start()
		n.awaitEntry(own)
		events, stop := s.hub.Subscribe()
		defer stop()
		now := time.Now()
		n.client.Report(feed.Report{Problem: "disk\nfull", Drift: 3, Live: []portal.Live{
			{Device: "foreign", Handshake: now}, {Device: "own", Handshake: now.Add(time.Hour), Rx: 5}, {Device: "nobody", Handshake: now},
		}})
		for {
			select {
			case e := <-events:
				if e.Kind != feed.EventDevices || len(e.Devices) == 0 {
					continue
				}
				if len(e.Devices) != 1 || e.Devices[0] != "own" {
					t.Errorf("the event names %v, want own", e.Devices)
				}
			case <-time.After(patience):
				t.Fatal("no event of devices")
			}
			break
		}
		g, err := s.gateways.Gateway(t.Context(), n.client.Credentials.Gateway)
		if err != nil {
			t.Fatal(err)
		}
		if g.Problem != "disk full" || g.Live.Drift != 3 || !g.Connected || g.Version != "test" {
			t.Errorf("the portal knows %+v", g)
		}
	})
}

func TestLatencyFromClickToAppliedIsMeasured(t *testing.T) {
	s := newSite(t, storetest.New(t))
	profile := s.profile(s.pool())
	n := newNode(t, s.enrol(s.pop())).start()
	n.awaitEntry(s.putEntry(profile, "d0"))
	began := time.Now()
	n.awaitEntry(s.putEntry(profile, "d1"))
	eventually(t, "a measurement", func() bool { return s.hub.Status(n.client.Credentials.Gateway).Latency > 0 })
	st, m := s.hub.Status(n.client.Credentials.Gateway), s.hub.Metrics()
	if st.Latency > time.Since(began) || m.ClickP50 == 0 || m.Propagation.Counts[len(m.Propagation.Counts)-1] == 0 || m.Entries != 2 || m.Views != 1 {
		t.Errorf("status %+v, metrics %+v", st, m)
	}
}

func TestGatewayThatFloodsIsReadNoFasterThanOthersNeed(t *testing.T) {
	s := newSite(t, storetest.New(t))
	creds := s.enrol(s.pop())
	body, out := io.Pipe()
	transport := &http.Transport{TLSClientConfig: feed.ClientTLS(creds), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	defer out.Close()
	var lines atomic.Int64
	began := time.Now()
	go func() {
		_, err := io.WriteString(out, `{"hello":{"since":0,"hash":"","version":"x"}}`+"\n")
		line := []byte(`{"report":{"rev":1,"hash":"","problem":"` + strings.Repeat("x", 8<<10) + `"}}` + "\n")
		for err == nil {
			_, err = out.Write(line)
			lines.Add(1)
		}
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+"/v1/stream", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the end of the burst", func() bool { return lines.Load() > 600 })
	// The burst, what time allows, and what fits between the ends on the way.
	if most := 600 + int64(time.Since(began)/(10*time.Millisecond)); lines.Load() > most {
		t.Errorf("%d lines were read within %v, want at most %d", lines.Load(), time.Since(began), most)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("600 lines were read within %v", took)
	}
}
