package management

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of what waits for the reader of messages. Log lines over the limit are counted and left out, since they decide nothing; counts of bytes
// wait as the newest of each client; more of the rest ends the connection, for a resync: nothing else is ever left out.
const (
	maxWaiting = 1 << 16
	maxLogs    = 1 << 10
)

// replyWithin bounds the wait for an answer. Openvpn answers between two packets.
const replyWithin = 10 * time.Second

// ErrOverrun says that messages came much faster than they were taken.
var ErrOverrun = errors.New("management: too many messages wait")

// ErrRefused is an answer that begins with ERROR.
var ErrRefused = errors.New("openvpn refused")

// Conn is a connection to one openvpn process. Messages come out of Next; commands may be given from any goroutine, also by the one that reads
// messages.
type Conn struct {
	sock net.Conn

	commands sync.Mutex  // one at a time: answers carry no name
	replies  chan string // lines

	mu      sync.Mutex
	waiting []Message
	counts  map[uint64]ByteCount
	order   []uint64 // of counts
	logs    int      // among waiting
	lost    int      // log lines left out
	err     error
	more    chan struct{}
	ended   chan struct{}
}

// Dial connects to the socket.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var d net.Dialer
	sock, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("management socket: %w", err)
	}
	return NewConn(sock), nil
}

// NewConn speaks on sock until it ends or Close.
func NewConn(sock net.Conn) *Conn {
	c := &Conn{
		sock: sock, replies: make(chan string, 1024), counts: map[uint64]ByteCount{}, more: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go c.read()
	return c
}

// Close ends the connection. Openvpn goes on.
func (c *Conn) Close() error { return c.sock.Close() }

func (c *Conn) read() {
	var p Parser
	buf := make([]byte, 16<<10)
	var err error
	for err == nil {
		var n int
		n, err = c.sock.Read(buf)
		if e := p.Feed(buf[:n], c.put, c.reply); e != nil {
			err = e
		}
		c.mu.Lock()
		if c.err != nil {
			err = c.err
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	_ = c.sock.Close() // it is of no more use
	close(c.ended)
}

func (c *Conn) reply(line string) {
	select {
	case c.replies <- line:
	default:
		c.mu.Lock()
		c.err = fmt.Errorf("%w: lines that nobody asked for", ErrProtocol)
		c.mu.Unlock()
	}
}

func (c *Conn) put(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m := m.(type) {
	case ByteCount:
		if _, there := c.counts[m.CID]; !there {
			c.order = append(c.order, m.CID)
		}
		c.counts[m.CID] = m
	case Log:
		if c.logs >= maxLogs {
			c.lost++
			return
		}
		c.logs++
		c.waiting = append(c.waiting, m)
	default:
		if len(c.waiting) >= maxWaiting {
			c.err = ErrOverrun
			return
		}
		c.waiting = append(c.waiting, m)
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Next returns the next message, or an error when the connection or ctx has ended. What came before the end is returned first.
func (c *Conn) Next(ctx context.Context) (Message, error) {
	for {
		if m := c.take(); m != nil {
			return m, nil
		}
		select {
		case <-c.more:
		case <-c.ended:
			if m := c.take(); m != nil {
				return m, nil
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			return nil, fmt.Errorf("management connection: %w", c.err)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Conn) take() Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost > 0 && c.logs == 0 {
		m := Log{Flags: "W", Text: strconv.Itoa(c.lost) + " lines of the log were left out"}
		c.lost = 0
		return m
	}
	if len(c.waiting) > 0 {
		m := c.waiting[0]
		c.waiting[0] = nil
		if c.waiting = c.waiting[1:]; len(c.waiting) == 0 {
			c.waiting = nil
		}
		if _, ok := m.(Log); ok {
			c.logs--
		}
		return m
	}
	if len(c.order) > 0 {
		m := c.counts[c.order[0]]
		delete(c.counts, m.CID)
		c.order = c.order[1:]
		return m
	}
	return nil
}

// Do gives a command that is answered with one line and returns what follows SUCCESS. It wraps ErrRefused for ERROR.
func (c *Conn) Do(ctx context.Context, words ...string) (string, error) {
	lines, err := c.exchange(ctx, []string{strings.Join(words, " ")}, false)
	if err != nil {
		return "", err
	}
	return lines[0], nil
}

// List gives a command that is answered with lines up to END, and returns them.
func (c *Conn) List(ctx context.Context, words ...string) ([]string, error) {
	return c.exchange(ctx, []string{strings.Join(words, " ")}, true)
}

// Allow lets a client in, or go on, with these lines of configuration, which must be quoted already.
func (c *Conn) Allow(ctx context.Context, cid, kid uint64, config []string) error {
	lines := []string{fmt.Sprintf("client-auth %d %d", cid, kid)}
	for _, l := range config {
		if l == "END" {
			return ErrArgument
		}
		lines = append(lines, l)
	}
	_, err := c.exchange(ctx, append(lines, "END"), false)
	return err
}

// Deny refuses a client. Both the log of openvpn and the client are told why.
func (c *Conn) Deny(ctx context.Context, cid, kid uint64, log, client string) error {
	why, err1 := Quote(log)
	told, err2 := Quote(client)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	_, err := c.Do(ctx, "client-deny", strconv.FormatUint(cid, 10), strconv.FormatUint(kid, 10), why, told)
	return err
}

// Kill ends a session. The message is HALT or RESTART, and after a comma what the client shows.
func (c *Conn) Kill(ctx context.Context, cid uint64, message string) error {
	m, err := Quote(message)
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, "client-kill", strconv.FormatUint(cid, 10), m)
	return err
}

// exchange writes lines as one command and reads its answer. After an error of the connection it is closed, since answers to come would be taken
// for those of the next command.
func (c *Conn) exchange(ctx context.Context, lines []string, list bool) (answer []string, err error) {
	if slices.ContainsFunc(lines, func(l string) bool { return checkLine(l) != nil }) {
		return nil, ErrArgument
	}
	c.commands.Lock()
	defer c.commands.Unlock()
	ctx, cancel := context.WithTimeout(ctx, replyWithin)
	defer cancel()
	defer func() {
		if err != nil && !errors.Is(err, ErrRefused) {
			_ = c.sock.Close()
		}
	}()
	if err := c.sock.SetWriteDeadline(time.Now().Add(replyWithin)); err != nil {
		return nil, fmt.Errorf("management command: %w", err)
	}
	if _, err := c.sock.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		return nil, fmt.Errorf("management command: %w", err)
	}
	for {
		line, err := c.answer(ctx)
		if err != nil {
			return nil, err
		}
		refused, isRefusal := strings.CutPrefix(line, "ERROR:")
		success, isSuccess := strings.CutPrefix(line, "SUCCESS:")
		switch {
		case isRefusal:
			return nil, fmt.Errorf("%w: %s", ErrRefused, strings.TrimSpace(refused))
		case !list && isSuccess:
			return []string{strings.TrimSpace(success)}, nil
		case !list:
			return nil, fmt.Errorf("%w: %q is no answer", ErrProtocol, line)
		case line == "END":
			return answer, nil
		default:
			answer = append(answer, line)
		}
	}
}

func (c *Conn) answer(ctx context.Context) (string, error) {
	select {
	case line := <-c.replies:
		return line, nil
	default:
	}
	select {
	case line := <-c.replies:
		return line, nil
	case <-c.ended:
		return "", errors.New("management connection ended before the answer")
	case <-ctx.Done():
		return "", fmt.Errorf("wait for the answer of openvpn: %w", ctx.Err())
	}
}
