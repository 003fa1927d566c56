package enforcetest

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// world is one enforcer and the state that it should enforce.
type world struct {
	t     *testing.T
	e     Enforcer
	state *portal.State
	flows uint16
	serve uint64 // last token
}

func (w *world) apply(c portal.Change) {
	w.t.Helper()
	c.Revision = w.state.Revision + 1
	d := w.state.Apply(c)
	now := time.Now()
	for _, e := range d.Entries {
		for _, x := range []*portal.Entry{e.Old, e.New} {
			if x != nil {
				x.Level = x.LevelAt(now)
			}
		}
	}
	var err error
	if d.Node {
		_, err = w.e.Sync(context.Background(), w.state.Desired, now)
	} else {
		err = w.e.Apply(context.Background(), w.state.Desired, d)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sync() int {
	w.t.Helper()
	n, err := w.e.Sync(context.Background(), w.state.Desired, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// may gives a device exactly these rules.
func (w *world) may(a portal.Address, rules ...portal.CompiledRule) portal.Entry {
	w.t.Helper()
	g := portal.Signature{ID: "of"}
	for _, r := range rules {
		g.ID += portal.SignatureID("-" + r.ID)
		g.Rules = append(g.Rules, r.ID)
	}
	e := entry(portal.DeviceID(a.V4.String()), a, g.ID)
	w.apply(portal.Change{Entries: []portal.Entry{e}, Signatures: []portal.Signature{g}, Rules: rules})
	return e
}

func entry(id portal.DeviceID, a portal.Address, sig portal.SignatureID) portal.Entry {
	return portal.Entry{
		EntryKey: portal.EntryKey{Profile: "p", Device: id}, PublicKey: portal.PublicKey{byte(a.N), byte(a.N >> 8), 9}, V4: a.V4, V6: a.V6,
		Signature: sig, Level: portal.LevelFull, NotAfter: tomorrow,
	}
}

func allow(id portal.RuleID, dst ...portal.Destination) portal.CompiledRule {
	return portal.CompiledRule{ID: id, Action: portal.Allow, Destinations: dst}
}

func deny(id portal.RuleID, dst ...portal.Destination) portal.CompiledRule {
	return portal.CompiledRule{ID: id, Action: portal.Deny, Destinations: dst}
}

// to is a destination with no port, one, or the first and last of several.
func to(prefix string, t portal.Transport, ports ...uint16) portal.Destination {
	d := portal.Destination{Prefix: netip.MustParsePrefix(prefix), Transport: t}
	if len(ports) > 0 {
		d.Ports = portal.PortRange{First: ports[0], Last: ports[len(ports)-1]}
	}
	return d
}

// flow is who sends what to whom.
type flow struct {
	src, dst netip.AddrPort
	proto    byte
}

func (w *world) flow(a portal.Address, dst netip.Addr, port uint16, proto byte) flow {
	w.flows++
	src := a.V4
	if dst.Is6() {
		src = a.V6
	}
	return flow{netip.AddrPortFrom(src, w.flows), netip.AddrPortFrom(dst, port), proto}
}

func (w *world) tcp(a portal.Address, dst netip.Addr, port uint16) flow {
	return w.flow(a, dst, port, tcp)
}

func (w *world) udp(a portal.Address, dst netip.Addr, port uint16) flow {
	return w.flow(a, dst, port, udp)
}
func (w *world) ping(a portal.Address, dst netip.Addr) flow { return w.flow(a, dst, 0, icmp) }

// token is what the last packet carries.
func (w *world) token() []byte {
	return binary.BigEndian.AppendUint64([]byte("token"), w.serve)
}

// packet is the next one of f, or of its answers, with a new token.
func (w *world) packet(f flow, answer bool) []byte {
	w.serve++
	src, dst := f.src, f.dst
	if answer {
		src, dst = dst, src
	}
	switch f.proto {
	case tcp:
		if answer {
			return segment(src, dst, synAck, 500, 101, w.token())
		}
		return segment(src, dst, syn, 100, 0, w.token())
	case udp:
		return datagram(src, dst, w.token())
	case icmp:
		return ping(src.Addr(), dst.Addr(), answer, f.src.Port(), w.token())
	}
	return ip(src.Addr(), dst.Addr(), f.proto, append(make([]byte, 8), w.token()...))
}

func (w *world) passes(flows ...flow) {
	w.t.Helper()
	for _, f := range flows {
		w.expect(f, true)
	}
}

func (w *world) drops(flows ...flow) {
	w.t.Helper()
	for _, f := range flows {
		w.expect(f, false)
	}
}

func (w *world) expect(f flow, want bool) {
	w.t.Helper()
	packet := w.packet(f, false)
	if got := w.e.FromTunnel(w.t, packet, w.token()); got != want {
		w.t.Errorf("from %s to %s, protocol %d: passed %v, want %v", f.src, f.dst, f.proto, got, want)
	}
}

// answers checks that the far side's packets reach the device, refuses that they do not.
func (w *world) answers(flows ...flow) { w.t.Helper(); w.expectAnswers(flows, true) }
func (w *world) refuses(flows ...flow) { w.t.Helper(); w.expectAnswers(flows, false) }

func (w *world) expectAnswers(flows []flow, want bool) {
	w.t.Helper()
	for _, f := range flows {
		packet := w.packet(f, true)
		if got := w.e.ToTunnel(w.t, packet, w.token()); got != want {
			w.t.Errorf("answer from %s to %s, protocol %d: passed %v, want %v", f.dst, f.src, f.proto, got, want)
		}
	}
}

// SentinelPackets are packets that always pass: one goes outward, the other is answered by the gateway. Each holds the token.
func SentinelPackets(token []byte) (outward, answered []byte) {
	return datagram(netip.AddrPortFrom(Sentinel.V4, 9), SentinelTo, token), ping(Sentinel.V4, Pool.At(portal.PoolGateway).V4, false, 9, token)
}
