package feed

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// The longest line, in bytes. What the portal sends is cut into parts of about partSize, but one rule with very many destinations is one
// line; what a gateway sends is cut to liveChunk devices.
const (
	maxDown   = 64 << 20
	maxUp     = 1 << 20
	partSize  = 256 << 10
	liveChunk = 1000
)

// down is one line from the portal to a gateway. Fields that a reader does not know are skipped, so that both ends can be of other versions.
type down struct {
	Welcome *welcome       `json:"welcome,omitempty"`
	Change  *portal.Change `json:"change,omitempty"`
	More    bool           `json:"more,omitempty"`  // Change goes on in the next line, and counts only when it is whole
	Hash    string         `json:"hash,omitempty"`  // that the follower should have after Change, or at Beat
	Beat    *uint64        `json:"beat,omitempty"`  // the newest revision; all up to it has been told
	Probe   *probeMsg      `json:"probe,omitempty"` // a destination to try
	Bye     string         `json:"bye,omitempty"`   // why the portal ends the stream
}

type welcome struct {
	Epoch   uint64   `json:"epoch"`
	Beat    int64    `json:"beat_ms"`
	Portals []string `json:"portals,omitempty"`
}

// Why a stream ends, as the portal says it.
const (
	byeRetired  = "retired"  // the gateway has lost its rights, and has been told to serve nobody
	byeFenced   = "fenced"   // a newer stream of the same gateway has begun
	byeShutdown = "shutdown" // this portal stops; another one may answer
	byeExpired  = "expired"  // the certificate's time is over
)

// up is one line from a gateway to the portal.
type up struct {
	Hello  *hello     `json:"hello,omitempty"`
	Report *reportMsg `json:"report,omitempty"`
	Answer *answerMsg `json:"answer,omitempty"`
}

type hello struct {
	Since   uint64 `json:"since"`
	Hash    string `json:"hash"`
	Version string `json:"version"`

	Dialect int `json:"dialect,omitempty"` // the newest that it understands
}

type reportMsg struct {
	Revision uint64              `json:"rev"`
	Hash     string              `json:"hash"`
	Problem  string              `json:"problem,omitempty"`
	Took     int64               `json:"took_us"`
	Ago      int64               `json:"ago_us"` // how long ago Revision was reached
	Full     int                 `json:"full"`   // snapshots applied in this stream
	Version  string              `json:"version,omitempty"`
	Key      portal.PublicKey    `json:"key,omitzero"`
	Drift    int                 `json:"drift,omitempty"`
	OpenVPN  portal.OpenVPNPorts `json:"openvpn,omitzero"`
	Live     []liveMsg           `json:"live,omitempty"`
}

type liveMsg struct {
	Device    portal.DeviceID `json:"d"`
	Endpoint  netip.AddrPort  `json:"e,omitzero"`
	Handshake int64           `json:"h"` // microseconds since 1970 UTC; 0: never
	Rx        uint64          `json:"rx"`
	Tx        uint64          `json:"tx"`
	Idled     bool            `json:"i,omitempty"`
	Country   string          `json:"c,omitempty"`
}

// The longest texts that a gateway may report, in bytes. Longer ones are cut.
const (
	maxProblem = 1000
	maxVersion = 64
)

var errMessage = errors.New("malformed message")

func parseDown(line []byte) (down, error) {
	var d down
	if err := json.Unmarshal(line, &d); err != nil {
		return down{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if d.More && d.Change == nil {
		return down{}, fmt.Errorf("%w: more of nothing", errMessage)
	}
	return d, nil
}

func parseHello(line []byte) (hello, error) {
	var u up
	if err := json.Unmarshal(line, &u); err != nil {
		return hello{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if u.Hello == nil || len(u.Hello.Hash) > 64 {
		return hello{}, fmt.Errorf("%w: no hello", errMessage)
	}
	u.Hello.Since = min(u.Hello.Since, math.MaxInt64)
	u.Hello.Dialect = min(max(u.Hello.Dialect, 0), portal.Dialect)
	u.Hello.Version = printable(u.Hello.Version, maxVersion)
	return *u.Hello, nil
}

// parseReport returns a report that can be stored as it is: texts are short and printable, times are not in the future, and devices
// without an id are left out. It returns nil for a line that holds none.
func parseReport(line []byte, now time.Time) (*reportMsg, error) {
	var u up
	if err := json.Unmarshal(line, &u); err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	r := u.Report
	if r == nil {
		return nil, nil
	}
	if len(r.Hash) > 64 || r.Took < 0 || r.Ago < 0 || r.Drift < 0 || r.Full < 0 {
		return nil, fmt.Errorf("%w: report out of range", errMessage)
	}
	r.Hash, r.Problem, r.Version = printable(r.Hash, 64), printable(r.Problem, maxProblem), printable(r.Version, maxVersion)
	r.Revision = min(r.Revision, math.MaxInt64) // what a database column holds
	r.Took, r.Ago = min(r.Took, maxMicros), min(r.Ago, maxMicros)
	kept := r.Live[:0]
	for _, l := range r.Live {
		if l.Device == "" || len(l.Device) > 64 || l.Endpoint.Addr().Zone() != "" {
			continue
		}
		if !portal.IsCountry(l.Country) {
			l.Country = ""
		}
		l.Handshake = min(max(l.Handshake, 0), now.UnixMicro())
		l.Rx, l.Tx = min(l.Rx, math.MaxInt64), min(l.Tx, math.MaxInt64)
		kept = append(kept, l)
	}
	r.Live = kept
	return r, nil
}

// maxMicros bounds durations from outside to a day, so that no sum of them overflows.
const maxMicros = int64(24 * time.Hour / time.Microsecond)

// printable cuts s to at most n bytes of whole runes and replaces what is not printable.
func printable(s string, n int) string {
	b := make([]rune, 0, min(len(s), n))
	size := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0xfffd || r >= 0x80 && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			r = ' '
		}
		if size += len(string(r)); size > n {
			break
		}
		b = append(b, r)
	}
	return string(b)
}

func (l liveMsg) live(gateway portal.GatewayID, at time.Time) portal.Live {
	out := portal.Live{Device: l.Device, Gateway: gateway, Endpoint: l.Endpoint, Rx: l.Rx, Tx: l.Tx, At: at, Idled: l.Idled, Country: l.Country}
	if l.Handshake > 0 {
		out.Handshake = time.UnixMicro(l.Handshake).UTC()
	}
	return out
}

func newLiveMsg(l portal.Live) liveMsg {
	m := liveMsg{Device: l.Device, Endpoint: l.Endpoint, Rx: l.Rx, Tx: l.Tx, Idled: l.Idled, Country: l.Country}
	if !l.Handshake.IsZero() {
		m.Handshake = l.Handshake.UnixMicro()
	}
	return m
}

// appendLine appends a message and the end of its line.
func appendLine(b []byte, message any) []byte {
	text, err := json.Marshal(message)
	if err != nil {
		panic(fmt.Sprintf("feed: %T cannot be written: %v", message, err)) // our own types: a bug, not an input
	}
	return append(append(b, text...), '\n')
}

// changeLines encodes a change as one line or, when it is large, as several, each of about partSize bytes. With more the last of
// them says that another line follows.
func changeLines(c portal.Change, hash string, more bool) [][]byte {
	var lines [][]byte
	part := portal.Change{Revision: c.Revision, Full: c.Full, Node: c.Node}
	size := 0
	room := func(n int) {
		if size > 0 && size+n > partSize {
			lines = append(lines, appendLine(nil, down{Change: &part, More: true}))
			part, size = portal.Change{Revision: c.Revision, Full: c.Full}, 0
		}
		size += n
	}
	for _, r := range c.Rules {
		room(120 + 110*len(r.Destinations) + 40*len(r.Groups))
		part.Rules = append(part.Rules, r)
	}
	for _, id := range c.GoneRules {
		room(50)
		part.GoneRules = append(part.GoneRules, id)
	}
	for _, g := range c.Signatures {
		room(110 + 40*(len(g.Rules)+len(g.Groups)))
		part.Signatures = append(part.Signatures, g)
	}
	for _, e := range c.Entries {
		room(420)
		part.Entries = append(part.Entries, e)
	}
	for _, k := range c.Gone {
		room(110)
		part.Gone = append(part.Gone, k)
	}
	last := down{Change: &part, More: more}
	if !more {
		last.Hash = hash
	}
	return append(lines, appendLine(nil, last))
}

// assembly puts the parts of a change together again.
type assembly struct {
	whole   portal.Change
	begun   bool
	objects int
}

// maxObjects bounds what one change may name: more than any gateway can hold.
const maxObjects = 4 << 20

// add takes the next part and returns the whole change after the last one.
func (a *assembly) add(part portal.Change, more bool) (whole portal.Change, done bool, err error) {
	w := &a.whole
	if !a.begun {
		*w, a.begun = portal.Change{Revision: part.Revision, Full: part.Full}, true
	}
	if w.Revision != part.Revision || w.Full != part.Full {
		return portal.Change{}, false, fmt.Errorf("%w: parts of two changes", errMessage)
	}
	a.objects += len(part.Entries) + len(part.Gone) + len(part.Signatures) + len(part.Rules) + len(part.GoneRules)
	if a.objects > maxObjects {
		return portal.Change{}, false, fmt.Errorf("%w: too many objects", errMessage)
	}
	if part.Node != nil {
		w.Node = part.Node
	}
	w.Entries, w.Gone = append(w.Entries, part.Entries...), append(w.Gone, part.Gone...)
	w.Signatures, w.Rules, w.GoneRules = append(w.Signatures, part.Signatures...), append(w.Rules, part.Rules...), append(w.GoneRules, part.GoneRules...)
	if more {
		return portal.Change{}, false, nil
	}
	whole = *w
	*a = assembly{}
	return whole, true, nil
}

// lineReader reads lines up to a length.
type lineReader struct {
	r    *bufio.Reader
	max  int
	line []byte
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 32<<10), max: limit}
}

// next returns the next line without its end. It is valid until the next call. A last line without an end is not a line: it was cut.
func (l *lineReader) next() ([]byte, error) {
	l.line = l.line[:0]
	for {
		piece, err := l.r.ReadSlice('\n')
		if len(l.line)+len(piece) > l.max {
			return nil, fmt.Errorf("%w: line of more than %d bytes", errMessage, l.max)
		}
		switch {
		case err == nil && len(l.line) == 0:
			return piece[:len(piece)-1], nil
		case err == nil:
			l.line = append(l.line, piece...)
			return l.line[:len(l.line)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			if errors.Is(err, io.EOF) && len(l.line)+len(piece) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		l.line = append(l.line, piece...)
	}
}

// shrink gives back the memory of an unusually long line.
func (l *lineReader) shrink() {
	if cap(l.line) > 1<<20 {
		l.line = nil
	}
}
