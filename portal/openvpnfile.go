package portal

import (
	"fmt"
	"strings"
)

// OpenVPNFile is all of a client's .ovpn file but the private key, which only the client has.
type OpenVPNFile struct {
	FileName     string   // without ".ovpn"
	Comments     []string // lines for the head of the file, without "#"
	FriendlyName string   // what clients call the connection
	Remotes      []OpenVPNRemote
	Roots        string // PEM
	Certificate  string // PEM: the device's own
	TLSCrypt     Secret // PEM: the client's key for tls-crypt-v2
}

// OpenVPNRemote is one address to try.
type OpenVPNRemote struct {
	Host  string
	Port  uint16
	Proto string // "udp" or "tcp"
}

// Text is the file as openvpn 2.5 and later, OpenVPN Connect, Tunnelblick and NetworkManager read it. The client tries the remotes in turn, one
// connectWithin each; what it may reach and how it is set up comes when it connects. privateKey is PrivateKeyPlaceholder everywhere but in programs that
// made the key themselves.
func (f OpenVPNFile) Text(privateKey string) string {
	var b strings.Builder
	for _, comment := range f.Comments {
		b.WriteString("# " + oneLine(comment) + "\n")
	}
	fmt.Fprintf(&b, "setenv FRIENDLY_NAME \"%s\"\n", friendly(f.FriendlyName))
	b.WriteString("client\ndev tun\nnobind\npersist-key\npersist-tun\n")
	for _, r := range f.Remotes {
		fmt.Fprintf(&b, "remote %s %d %s\n", r.Host, r.Port, r.Proto)
	}
	fmt.Fprintf(&b, "server-poll-timeout %d\nresolv-retry infinite\n", connectWithin)
	fmt.Fprintf(&b, "remote-cert-tls server\nverify-x509-name %s name\ntls-version-min 1.2\n", OpenVPNServerName)
	b.WriteString("data-ciphers AES-256-GCM:CHACHA20-POLY1305\nauth SHA256\nauth-nocache\nverb 3\n")
	for _, in := range []struct{ name, text string }{
		{"ca", f.Roots},
		{"cert", f.Certificate},
		{"key", privateKey},
		{"tls-crypt-v2", f.TLSCrypt.Reveal()},
	} {
		fmt.Fprintf(&b, "<%s>\n%s\n</%s>\n", in.name, strings.TrimSpace(in.text), in.name)
	}
	return b.String()
}

// connectWithin is how long a client tries one remote before the next, in seconds: long enough for a far gateway, short enough that people wait for
// TCP where UDP is dropped.
const connectWithin = 5

// friendly makes a name that stands between quotes.
func friendly(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r == '\'' {
			return ' '
		}
		return r
	}, oneLine(s))
}
