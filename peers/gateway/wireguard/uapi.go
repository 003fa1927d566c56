package wireguard

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/device"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// peerState is one peer as a device has it.
type peerState struct {
	gateway.Peer
	allowed []netip.Prefix
}

// dump asks a wireguard-go device of this process for its peers, without the detour over its socket.
func dump(dev *device.Device) ([]peerState, error) {
	var b bytes.Buffer
	if err := dev.IpcGetOperation(&b); err != nil {
		return nil, fmt.Errorf("read the device: %w", err)
	}
	return parsePeers(&b)
}

// parsePeers reads the "get" answer of the cross-platform configuration protocol (wireguard.com/xplatform).
func parsePeers(b *bytes.Buffer) ([]peerState, error) {
	var peers []peerState
	var p *peerState
	var sec int64
	lines := bufio.NewScanner(b)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		var err error
		if key == "public_key" {
			peers = append(peers, peerState{})
			p, sec = &peers[len(peers)-1], 0
			err = decodeKey(&p.Key, value)
		}
		if p == nil {
			continue // of the device, not of a peer
		}
		switch key {
		case "endpoint":
			p.Endpoint, err = netip.ParseAddrPort(value)
		case "last_handshake_time_sec":
			sec, err = strconv.ParseInt(value, 10, 64)
		case "last_handshake_time_nsec":
			var nsec int64
			nsec, err = strconv.ParseInt(value, 10, 64)
			if sec != 0 || nsec != 0 {
				p.Handshake = time.Unix(sec, nsec).UTC()
			}
		case "rx_bytes":
			p.Rx, err = strconv.ParseUint(value, 10, 64)
		case "tx_bytes":
			p.Tx, err = strconv.ParseUint(value, 10, 64)
		case "allowed_ip":
			var a netip.Prefix
			a, err = netip.ParsePrefix(value)
			p.allowed = append(p.allowed, a)
		}
		if err != nil {
			return nil, fmt.Errorf("read the device: %s: %w", key, err)
		}
	}
	return peers, lines.Err()
}

func decodeKey(k *portal.PublicKey, text string) error {
	if len(text) != hex.EncodedLen(len(k)) {
		return hex.ErrLength
	}
	_, err := hex.Decode(k[:], []byte(text))
	return err
}

// appendPut writes the "set" lines that give e's peer exactly e's addresses.
func appendPut(b []byte, e portal.Entry) []byte {
	b = fmt.Appendf(b, "public_key=%s\nreplace_allowed_ips=true\n", hex.EncodeToString(e.PublicKey[:]))
	for _, a := range allowedIPs(e) {
		b = fmt.Appendf(b, "allowed_ip=%s\n", a)
	}
	return b
}

// appendRemove writes the "set" lines that remove the peer, if it is there.
func appendRemove(b []byte, k portal.PublicKey) []byte {
	return fmt.Appendf(b, "public_key=%s\nupdate_only=true\nremove=true\n", hex.EncodeToString(k[:]))
}

// allowedIPs is what a device may send from and is sent to: its own addresses.
func allowedIPs(e portal.Entry) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range []netip.Addr{e.V4, e.V6} {
		if a.IsValid() {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}
