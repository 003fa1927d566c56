package world

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// ServeWeb serves plain HTTP inside a namespace, on port 80 of every address: "/" answers with the address that the request came from,
// "/stream" sends a packet each millisecond for as long as somebody reads: enough to see when it ends, and next to no work.
func ServeWeb(t T, n *Namespace) {
	t.Helper()
	l, err := n.Listen("tcp", ":80")
	check(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		at, _ := netip.ParseAddrPort(r.RemoteAddr)
		fmt.Fprint(w, at.Addr().Unmap())
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		block, out := make([]byte, 1<<10), http.NewResponseController(w)
		beat := time.NewTicker(time.Millisecond)
		defer beat.Stop()
		for range beat.C {
			if _, err := w.Write(block); err != nil || out.Flush() != nil {
				return
			}
		}
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
}

// Get asks for a page from inside a namespace, on a connection of its own.
func (n *Namespace) Get(ctx context.Context, url string) (string, error) { return n.get(ctx, url, nil) }

func (n *Namespace) get(ctx context.Context, url string, trust *tls.Config) (string, error) {
	tr := &http.Transport{DialContext: n.Dial, DisableKeepAlives: true, TLSClientConfig: trust}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, res.Status)
	}
	return string(b), nil
}

// Reaches reports whether the host at a literal address answers to HTTP within limit.
func (n *Namespace) Reaches(address string, limit time.Duration) bool {
	return n.ReachesURL("http://"+net.JoinHostPort(address, "80")+"/", nil, limit)
}

// ReachesURL reports whether a page comes within limit. trust is for https.
func (n *Namespace) ReachesURL(url string, trust *tls.Config, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, err := n.get(ctx, url, trust)
	return err == nil
}

// Ping sends one echo request and reports whether the answer came within a second.
func (n *Namespace) Ping(address string) bool { return n.PingWithin(address, time.Second) }

// PingWithin sends an echo request each second until an answer comes or limit is over.
func (n *Namespace) PingWithin(address string, limit time.Duration) bool {
	seconds := strconv.Itoa(max(1, int(limit/time.Second)))
	return n.Command(context.Background(), "ping", "-n", "-q", "-c", "1", "-W", "1", "-w", seconds, address).Run() == nil
}

// Download is a transfer that runs until somebody stops it.
type Download struct {
	Got  chan int // bytes of each read
	stop context.CancelFunc
	body net.Conn
}

// StartDownload begins to read a stream from inside a namespace. Got says each piece as it arrives and is closed at the end.
func (n *Namespace) StartDownload(t T, host string) *Download {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := n.Dial(ctx, "tcp", net.JoinHostPort(host, "80"))
	check(t, err)
	_, err = fmt.Fprintf(c, "GET /stream HTTP/1.1\r\nHost: office\r\n\r\n")
	check(t, err)
	d := &Download{Got: make(chan int, 1024), body: c, stop: func() { c.Close() }}
	go func() {
		defer close(d.Got)
		b := make([]byte, 64<<10)
		for {
			k, err := c.Read(b)
			if k > 0 {
				d.Got <- k
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(d.Stop)
	return d
}

// Stop ends the transfer.
func (d *Download) Stop() {
	d.stop()
	for range d.Got { // let the reader go
	}
}

// LastByte reads until nothing has come for quiet and returns when the last byte came.
func (d *Download) LastByte(ctx context.Context, quiet time.Duration) (time.Time, error) {
	last := time.Now()
	for {
		timer := time.NewTimer(quiet)
		select {
		case _, ok := <-d.Got:
			timer.Stop()
			if !ok {
				return last, nil
			}
			last = time.Now()
		case <-timer.C:
			return last, nil
		case <-ctx.Done():
			timer.Stop()
			return last, errors.New("bytes still come")
		}
	}
}
