package trail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
)

// Syslog is a receiver that speaks syslog (RFC 5424) over TLS (RFC 5425). The protocol has no answers, and what was written to a
// connection that then breaks may be lost. So each batch has a connection of its own, and counts as delivered when the receiver answers
// the end of it with its own (close_notify, RFC 5425, section 4.4): it has read everything then.
type Syslog struct {
	Address string      // host:port; 6514 is the usual one
	TLS     *tls.Config // who the receiver must be, and who the portal is
	Host    string      // in the messages; "" for the machine's name
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// Deliver sends the events in order.
func (s *Syslog) Deliver(ctx context.Context, events []portal.AuditEvent) error {
	var frames bytes.Buffer
	for _, e := range events {
		if err := s.frame(&frames, e); err != nil {
			return err
		}
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() }) // ends a write or read that hangs
	defer stop()
	if _, err := conn.Write(frames.Bytes()); err != nil {
		return fmt.Errorf("write to syslog receiver: %w", cause(ctx, err))
	}
	if err := conn.CloseWrite(); err != nil {
		return fmt.Errorf("end connection to syslog receiver: %w", cause(ctx, err))
	}
	return s.confirmed(ctx, conn)
}

// confirmed waits for the receiver's end of the connection. A connection that only breaks off confirms nothing.
func (s *Syslog) confirmed(ctx context.Context, conn *tls.Conn) error {
	n, err := io.Copy(io.Discard, io.LimitReader(conn, 1<<10))
	switch {
	case err != nil:
		return fmt.Errorf("syslog receiver did not confirm: %w", cause(ctx, err))
	case n > 0:
		return errors.New("syslog receiver sent something, which none does")
	}
	return nil
}

func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *Syslog) connect(ctx context.Context) (*tls.Conn, error) {
	dial := s.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	raw, err := dial(ctx, "tcp", s.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to syslog receiver: %w", err)
	}
	config := s.TLS.Clone()
	config.MinVersion = tls.VersionTLS12
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(s.Address)
		if err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		config.ServerName = host
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to syslog receiver: %w", err), raw.Close())
	}
	return conn, nil
}

// priority is facility 13, "log audit", and severity 5, "notice" (RFC 5424, section 6.2.1).
const priority = 13*8 + 5

// structured names the element of structured data. 32473 is the number for examples (RFC 5612); the project has none of its own.
const structured = "sallyport@32473"

// frame writes one message with its length before it (RFC 5425, section 4.3). The message is the event as JSON in ASCII, so it needs no
// mark of its encoding (RFC 5424, section 6.4).
func (s *Syslog) frame(w *bytes.Buffer, e portal.AuditEvent) error {
	line, err := encode(e)
	if err != nil {
		return err
	}
	msg := fmt.Sprintf("<%d>1 %s %s sallyport - %s [%s seq=\"%d\" hash=\"%s\"] %s",
		priority, formTime(e.At), header(s.host(), 255), header(e.Action, 32), structured, e.Seq, paramEscape.Replace(e.Hash), ascii(line))
	w.WriteString(strconv.Itoa(len(msg)))
	w.WriteByte(' ')
	w.WriteString(msg)
	return nil
}

func (s *Syslog) host() string {
	if s.Host != "" {
		return s.Host
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// paramEscape is RFC 5424, section 6.3.3.
var paramEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// header is a field of the header: printable ASCII without spaces, "-" for none (RFC 5424, section 6).
func header(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}

// ascii writes every other character of JSON as an escape, which means the same.
func ascii(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		switch {
		case r < utf8.RuneSelf:
			out = append(out, line[0])
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		line = line[n:]
	}
	return out
}
