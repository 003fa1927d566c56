package auth

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestOnlyPublicAddressesAreConnectedTo(t *testing.T) {
	open := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true, "192.31.196.1": true,
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::5": true, // opened
		"10.2.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "100.64.0.1": false, "fd00:2::1": false, "fc00::1": false,
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "::ffff:169.254.169.254": false, "fec0::1": false,
		"0.0.0.0": false, "0.1.2.3": false, "::": false, "255.255.255.255": false, "240.0.0.1": false, "224.0.0.1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2002:7f00:1::1": false, "2001::1": false, "2001:db8::1": false,
		"192.0.0.170": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "192.88.99.1": false,
		"100::1": false, "3fff::1": false, "5f00::1": false,
	} {
		if got := mayConnect(netip.MustParseAddr(addr), open); got != want {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
}

// listenOn answers HTTP on an address of this machine and counts the questions.
func listenOn(t *testing.T, addr string, answer http.HandlerFunc) (port string, asked *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, asked
}

func TestGuardSeesWhereNamesAndRedirectsLead(t *testing.T) {
	open := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	inner, innerAsked := listenOn(t, "127.0.0.2:0", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) })
	outer, outerAsked := listenOn(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.2:"+inner+"/", http.StatusFound)
	})
	t.Setenv("HTTP_PROXY", "http://127.0.0.2:"+inner)
	get := func(c *http.Client, address string) error {
		resp, err := c.Get(address)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	guarded := guardedClient(open)
	for what, address := range map[string]string{
		"another address": "http://127.0.0.2:" + inner, "a redirect": "http://127.0.0.1:" + outer,
	} {
		if err := get(guarded, address); err == nil || innerAsked.Load() != 0 {
			t.Errorf("%s: got %v, and %d questions inside", what, err, innerAsked.Load())
		}
	}
	if outerAsked.Load() != 1 {
		t.Errorf("the address that is open was asked %d times, want 1", outerAsked.Load())
	}
	if err := get(guarded, "http://127.0.0.2:"+inner); !errors.Is(err, errPrivateAddress) {
		t.Errorf("got %v", err)
	}
	followed := (&Provider{Client: guarded}).client()
	resp, err := followed.Get("http://127.0.0.1:" + outer)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || len(text) != 0 || resp.StatusCode != http.StatusFound {
		t.Errorf("a redirect of a provider: got %s, %q, %v; want it not followed, and its words forgotten", resp.Status, text, err)
	}
}

// A name that leads to an open address when it is looked up first, and to a closed one after that: what counts is where the connection goes.
func TestNameThatChangesItsMindIsNotFollowed(t *testing.T) {
	inner, innerAsked := listenOn(t, "127.0.0.2:0", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) })
	var lookups atomic.Int64
	server := answerNames(t, func() netip.Addr {
		if lookups.Add(1) == 1 {
			return netip.MustParseAddr("127.0.0.1")
		}
		return netip.MustParseAddr("127.0.0.2")
	})
	d := guardedDialer([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")})
	d.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}}
	for range 3 {
		c, err := d.DialContext(t.Context(), "tcp4", "idp.rebind.test.:"+inner)
		if err == nil {
			c.Close()
			t.Error("connected")
		}
	}
	if lookups.Load() < 2 || innerAsked.Load() != 0 {
		t.Errorf("%d lookups, %d questions inside", lookups.Load(), innerAsked.Load())
	}
	if _, err := d.DialContext(t.Context(), "tcp4", "idp.rebind.test.:"+inner); err == nil || !strings.Contains(err.Error(), errPrivateAddress.Error()) {
		t.Errorf("got %v", err)
	}
}

// answerNames is a name server that answers every question with one IPv4 address (RFC 1035, section 4.1).
func answerNames(t *testing.T, addr func() netip.Addr) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			end := 12
			for end < n && buf[end] != 0 {
				end += int(buf[end]) + 1
			}
			end += 5
			if end > n {
				continue
			}
			out := append([]byte{}, buf[:end]...)
			out[2], out[3] = 0x84, 0
			binary.BigEndian.PutUint16(out[6:], 1)
			binary.BigEndian.PutUint32(out[8:], 0)
			a := addr().As4()
			out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, a[0], a[1], a[2], a[3])
			_, _ = c.WriteTo(out, from)
		}
	}()
	return c.LocalAddr().String()
}
