package openvpn

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// Transport is one openvpn process: a protocol, a port, and its interface.
type Transport struct {
	Name      string // "udp" or "tcp"
	Port      uint16
	Interface string
}

// Sessions end when nothing was heard for silent; clients ask every ping.
const (
	ping   = 10 // seconds
	silent = 40
)

// maxClients is openvpn's own default times ten. It bounds memory, not policy.
const maxClients = 10240

// config is what the process is told. It is complete: nothing of it comes from a file, and no script runs.
func (s *Server) config(t Transport, n portal.Node, id identity) (string, error) {
	if len(n.Pools) == 0 || n.Pools[0].Validate() != nil {
		return "", fmt.Errorf("openvpn: the node has no pool")
	}
	pool := n.Pools[0]
	gw, next := pool.At(portal.PoolGateway), pool.At(portal.PoolFirst)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# sallyport-gateway, %s", t.Name)
	line("dev %s\ndev-type tun\nmode server\ntls-server\ntopology subnet", t.Interface)
	line("proto %s\nport %d", protocol(t.Name), t.Port)
	// The interface is the agent's: it belongs to several pools, and openvpn gives up the right to change it.
	line("ifconfig %s %s\nifconfig-ipv6 %s/%d %s\nifconfig-noexec\nroute-noexec\npersist-tun\npersist-key", gw.V4, mask(pool.V4), gw.V6, pool.V6.Bits(), next.V6)
	line("tun-mtu %d", mtu(n))
	line("management %s unix\nmanagement-client-auth\nmanagement-hold\nauth-user-pass-optional", s.socket(t))
	line("verify-client-cert require\nremote-cert-tls client\ntls-version-min 1.2\ndata-ciphers AES-256-GCM:CHACHA20-POLY1305\nauth SHA256\ndh none")
	line("allow-compression no\nscript-security 0\nmax-clients %d\nkeepalive %d %d\nverb 3\nsuppress-timestamps\ndisable-dco", maxClients, ping, silent)
	if t.Name == "udp" {
		line("multihome\nexplicit-exit-notify 1")
	} else {
		line("tcp-nodelay")
	}
	if s.User != "" {
		line("user %s\ngroup %s", s.User, s.Group)
	}
	for _, in := range []struct{ name, text string }{
		{"ca", string(id.Authorities)},
		{"cert", firstBlock(id.Certificates)},
		{"extra-certs", otherBlocks(id.Certificates)},
		{"key", string(id.key)},
		{"tls-crypt-v2", id.TLSCrypt.Reveal()},
	} {
		if strings.TrimSpace(in.text) != "" {
			line("<%s>\n%s\n</%s>", in.name, strings.TrimSpace(in.text), in.name)
		}
	}
	return b.String(), nil
}

// protocol listens for IPv4 and IPv6 alike where the machine has both.
func protocol(name string) string {
	p := name
	if l, err := net.ListenPacket("udp6", "[::1]:0"); err == nil {
		_ = l.Close()
		p += "6"
	}
	if name == "tcp" {
		p += "-server"
	}
	return p
}

func (s *Server) socket(t Transport) string { return filepath.Join(s.Dir, t.Name+".sock") }

const endOfCertificate = "-----END CERTIFICATE-----\n"

func firstBlock(pem []byte) string {
	first, _, _ := strings.Cut(string(pem), endOfCertificate)
	return first + endOfCertificate
}

func otherBlocks(pem []byte) string {
	_, rest, _ := strings.Cut(string(pem), endOfCertificate)
	return rest
}

func mtu(n portal.Node) int {
	if n.MTU > 0 {
		return n.MTU
	}
	return portal.DefaultMTU
}

// mask is a prefix's length in the form of IPv4's old days.
func mask(p netip.Prefix) string { return net.IP(net.CIDRMask(p.Bits(), 32)).String() }
