package trail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// mood is what a receiver does to a connection.
type mood int32

const (
	well   mood = iota
	cut         // reads two messages and breaks the connection off
	silent      // reads everything and ends the connection below TLS, so that nothing is confirmed
	hang        // takes the connection and does nothing
)

// syslogd is a syslog receiver over TLS.
type syslogd struct {
	t        *testing.T
	listener net.Listener
	pool     *x509.CertPool
	mood     atomic.Int32
	seqs     chan uint64
	messages chan string
	conns    atomic.Int64
}

func newSyslogd(t *testing.T) *syslogd {
	t.Helper()
	cert, pool := certificate(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	d := &syslogd{t: t, listener: l, pool: pool, seqs: make(chan uint64, 100000), messages: make(chan string, 100000)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.conns.Add(1)
			go d.serve(conn.(*tls.Conn))
		}
	}()
	return d
}

func (d *syslogd) serve(conn *tls.Conn) {
	raw := conn.NetConn()
	defer raw.Close()
	now := mood(d.mood.Load())
	if now == hang {
		_, _ = io.Copy(io.Discard, raw)
		return
	}
	in := bufio.NewReader(conn)
	for n := 0; ; n++ {
		if now == cut && n == 2 {
			_ = raw.(*net.TCPConn).SetLinger(0)
			return
		}
		length, err := in.ReadString(' ')
		if errors.Is(err, io.EOF) {
			if now == well {
				_ = conn.Close()
			}
			return
		}
		if err != nil {
			return
		}
		size, err := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil {
			d.t.Errorf("a frame begins with %q", length)
			return
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(in, message); err != nil {
			return
		}
		m := messageForm.FindStringSubmatch(string(message))
		if m == nil {
			d.t.Errorf("not a message of RFC 5424: %s", message)
			return
		}
		seq, _ := strconv.ParseUint(m[1], 10, 64)
		d.messages <- m[2]
		d.seqs <- seq
	}
}

var messageForm = regexp.MustCompile(
	`^<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z portal\.example sallyport - [!-~]{1,32} \[sallyport@32473 seq="(\d+)" hash="[0-9a-f]{64}"\] ([ -~]+)$`)

func (d *syslogd) sink() *trail.Syslog {
	return &trail.Syslog{Address: d.listener.Addr().String(), Host: "portal.example", TLS: &tls.Config{RootCAs: d.pool, MinVersion: tls.VersionTLS12}}
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "siem"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestSyslogGetsEveryEventInOrderThroughOutages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := newSyslogd(t)
		write(t, s, 20)
		forward(t, s, d.sink())
		gather(t, d.seqs, 1, 20)
		next := uint64(21)
		for _, bad := range []mood{cut, silent, hang, cut} {
			d.mood.Store(int32(bad))
			before := d.conns.Load()
			write(t, s, 20)
			for d.conns.Load() < before+3 { // the forwarder has tried three times at least
				awaitConn(t, d, before+3)
			}
			d.mood.Store(int32(well))
			gather(t, d.seqs, next, next+19)
			next += 20
		}
		awaitSink(t, s, next-1)
		if at := sinkAt(t, s); at.Problem != "" || at.SentAt.IsZero() {
			t.Errorf("after it is well again: %+v", at)
		}
	})
}

func awaitConn(t *testing.T, d *syslogd, n int64) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for d.conns.Load() < n {
		<-tick.C
		if t.Context().Err() != nil {
			t.Fatal("no connection")
		}
	}
}

// awaitSink returns when the place of the receiver is at seq.
func awaitSink(t *testing.T, s *store.Store, seq uint64) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for sinkAt(t, s).Seq != seq {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the receiver's place is %d, want %d", sinkAt(t, s).Seq, seq)
		}
	}
}

func TestSyslogMessageIsTheEventInASCII(t *testing.T) {
	s, d := storetest.New(t), newSyslogd(t)
	put(t, s, auditor, "user.suspend; with spaces and a name that is longer than the field", "user:u1", map[string]string{"name": "박지민 😀 \"]\\ \n<b>"})
	forward(t, s, d.sink())
	text := <-d.messages
	var got struct {
		Seq                                                 uint64
		At, Actor, Action, Target, Address, RequestID, Hash string
		Detail                                              struct{ Name string }
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Seq != 1 || got.Actor != "user:u-auditor" || got.Target != "user:u1" || got.Address != "192.0.2.7" || got.RequestID != "r1" ||
		got.Detail.Name != "박지민 😀 \"]\\ \n<b>" || len(got.Hash) != 64 {
		t.Errorf("got %+v", got)
	}
}

func TestSyslogReceiverMustBeWhoItShould(t *testing.T) {
	s, d := storetest.New(t), newSyslogd(t)
	write(t, s, 1)
	var events []portal.AuditEvent
	err := s.View(t.Context(), func(tx *store.Tx) (err error) {
		events, err = tx.AuditAfter(store.AuditFilter{}, 0, 0, 10)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := d.sink()
	sink.TLS.RootCAs = x509.NewCertPool()
	var unknown *tls.CertificateVerificationError
	if err := sink.Deliver(t.Context(), events); !errors.As(err, &unknown) {
		t.Errorf("a stranger's certificate: got %v", err)
	}
	sink = d.sink()
	sink.TLS.ServerName = "siem.example.com"
	if err := sink.Deliver(t.Context(), events); !errors.As(err, &unknown) {
		t.Errorf("another name's certificate: got %v", err)
	}
	if err := d.sink().Deliver(t.Context(), events); err != nil {
		t.Error(err)
	}
	if len(d.seqs) != 1 {
		t.Errorf("%d events arrived, want 1", len(d.seqs))
	}
}
