package management

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of what is taken from openvpn. Its own buffers are smaller; more means that something else talks.
const (
	maxLine = 32 << 10
	maxVars = 1024
	maxEnv  = 256 << 10 // bytes of names and values together
)

// ErrProtocol says that the other side does not speak the management protocol. The connection is of no more use.
var ErrProtocol = errors.New("management protocol")

// Parser takes bytes as they come, in pieces of any size, and gives whole messages and lines of replies. The zero value is ready. After
// an error it must not be used.
type Parser struct {
	line  []byte  // the beginning of one that has not ended
	block *Client // whose environment is being listed
	size  int     // of its environment
}

// Feed parses the next bytes. Messages go to message, lines that answer a command to reply.
func (p *Parser) Feed(b []byte, message func(Message), reply func(line string)) error {
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		piece := b
		if end >= 0 {
			piece = b[:end]
		}
		if len(p.line)+len(piece) > maxLine {
			return fmt.Errorf("%w: a line of more than %d bytes", ErrProtocol, maxLine)
		}
		p.line = append(p.line, piece...)
		if end < 0 {
			return nil
		}
		b = b[end+1:]
		text := string(bytes.TrimSuffix(p.line, []byte{'\r'}))
		p.line = p.line[:0]
		if err := p.whole(text, message, reply); err != nil {
			return err
		}
	}
	return nil
}

// whole takes a line without its end.
func (p *Parser) whole(line string, message func(Message), reply func(string)) error {
	if !strings.HasPrefix(line, ">") {
		reply(line)
		return nil
	}
	source, text, ok := strings.Cut(line[1:], ":")
	if !ok {
		return fmt.Errorf("%w: a message without a source", ErrProtocol)
	}
	if source == "CLIENT" {
		m, err := p.client(text)
		if err == nil && m != nil {
			message(m)
		}
		return err
	}
	m, err := parse(source, text)
	if err == nil {
		message(m)
	}
	return err
}

func parse(source, text string) (Message, error) {
	switch source {
	case "BYTECOUNT_CLI":
		n, err := numbers(text, 3)
		if err != nil {
			return nil, err
		}
		return ByteCount{n[0], n[1], n[2]}, nil
	case "STATE":
		at, rest, err := stamped(text)
		if err != nil {
			return nil, err
		}
		name, rest, _ := strings.Cut(rest, ",")
		return State{at, name, rest}, nil
	case "LOG":
		at, rest, err := stamped(text)
		if err != nil {
			return nil, err
		}
		flags, rest, _ := strings.Cut(rest, ",")
		return Log{at, flags, rest}, nil
	case "HOLD":
		return Hold{text}, nil
	case "PASSWORD":
		return Password{text}, nil
	case "FATAL":
		return Fatal{text}, nil
	default:
		return Other{source, text}, nil
	}
}

// client parses what follows ">CLIENT:". It returns nil while an environment is being listed.
func (p *Parser) client(text string) (Message, error) {
	kind, rest, _ := strings.Cut(text, ",")
	if kind == "ENV" {
		return p.env(rest)
	}
	if p.block != nil {
		return nil, fmt.Errorf("%w: %s within the environment of another client", ErrProtocol, kind)
	}
	if kind == "ADDRESS" {
		return parseAddress(rest)
	}
	c := &Client{Kind: Kind(kind), Env: map[string]string{}}
	want := 2
	switch c.Kind {
	case Connect, Reauth:
	case Established, Disconnect:
		want = 1
	case Response:
		at := strings.LastIndexByte(rest, ',')
		if at < 0 {
			return nil, fmt.Errorf("%w: a response without a text", ErrProtocol)
		}
		rest, c.Response = rest[:at], rest[at+1:]
	default:
		return nil, fmt.Errorf("%w: client message of unknown kind %q", ErrProtocol, kind)
	}
	n, err := numbers(rest, want)
	if err != nil {
		return nil, err
	}
	c.CID = n[0]
	if want == 2 {
		c.KID = n[1]
	}
	p.block, p.size = c, 0
	return nil, nil
}

func (p *Parser) env(text string) (Message, error) {
	c := p.block
	if c == nil {
		return nil, fmt.Errorf("%w: an environment of nobody", ErrProtocol)
	}
	if text == "END" {
		p.block = nil
		return *c, nil
	}
	name, value, _ := strings.Cut(text, "=")
	if p.size += len(text); p.size > maxEnv || len(c.Env) >= maxVars {
		return nil, fmt.Errorf("%w: an environment without end", ErrProtocol)
	}
	c.Env[name] = value
	return nil, nil
}

func parseAddress(text string) (Message, error) {
	cid, rest, _ := strings.Cut(text, ",")
	at := strings.LastIndexByte(rest, ',')
	n, err := numbers(cid, 1)
	if err != nil || at < 0 {
		return nil, fmt.Errorf("%w: malformed address of a client", ErrProtocol)
	}
	return Address{n[0], rest[:at], rest[at+1:] == "1"}, nil
}

// numbers parses exactly so many decimal numbers with commas between.
func numbers(text string, want int) ([]uint64, error) {
	parts := strings.Split(text, ",")
	if len(parts) != want {
		return nil, fmt.Errorf("%w: %d numbers instead of %d", ErrProtocol, len(parts), want)
	}
	out := make([]uint64, want)
	for i, s := range parts {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: not a number", ErrProtocol)
		}
		out[i] = n
	}
	return out, nil
}

func stamped(text string) (time.Time, string, error) {
	s, rest, _ := strings.Cut(text, ",")
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}, "", fmt.Errorf("%w: malformed time", ErrProtocol)
	}
	return time.Unix(n, 0).UTC(), rest, nil
}
