package portal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"
)

// FileFacts is what a client's file was made from, as far as a later change could make the file wrong. Lists are digests: they are
// compared, never read back. What a client is not told (names, groups, session lengths) is not in it.
type FileFacts struct {
	Routes    string    `json:"r"`
	DNS       string    `json:"d"`
	Search    string    `json:"s"`
	MTU       int       `json:"m"` // bytes
	Keepalive int       `json:"k"` // seconds
	Gateway   GatewayID `json:"g"`
	Endpoint  string    `json:"e"`
	Key       PublicKey `json:"p"` // the gateway's
}

// FileReason is a part of a file that is not as it would be made now.
type FileReason string

// The reasons for which a file is out of date.
const (
	FileRoutes    FileReason = "routes"
	FileDNS       FileReason = "dns"
	FileSearch    FileReason = "search"
	FileMTU       FileReason = "mtu"
	FileKeepalive FileReason = "keepalive"
	FileGateway   FileReason = "gateway"     // it takes no clients of the profile any more
	FileEndpoint  FileReason = "endpoint"    // it has moved
	FileKey       FileReason = "gateway_key" // it has another key
)

// FactsOf is what a file made of profile and gateway depends on. The zero Gateway leaves its part empty.
func FactsOf(p Profile, g Gateway) FileFacts {
	f := FileFacts{Routes: digest(Routes(p)), DNS: digest(p.DNS), Search: digest(p.Search), MTU: p.MTU, Keepalive: int(p.Keepalive / time.Second)}
	if f.MTU == 0 {
		f.MTU = DefaultMTU
	}
	if g.ID != "" {
		f.Gateway, f.Endpoint, f.Key = g.ID, EndpointOf(g), g.PublicKey
	}
	return f
}

// EndpointOf is where clients send their packets: "host:port", an IPv6 address in brackets.
func EndpointOf(g Gateway) string { return net.JoinHostPort(g.Host, strconv.Itoa(int(g.Port))) }

// Outdated lists what a file made from f lacks. now is what the profile says now; g is f's gateway, the zero value when it takes no
// clients of the profile any more. Another gateway than the one that would be chosen now is no reason: the file works.
func (f FileFacts) Outdated(now FileFacts, g Gateway) []FileReason {
	var out []FileReason
	differs := func(yes bool, reason FileReason) {
		if yes {
			out = append(out, reason)
		}
	}
	differs(f.Routes != now.Routes, FileRoutes)
	differs(f.DNS != now.DNS, FileDNS)
	differs(f.Search != now.Search, FileSearch)
	differs(f.MTU != now.MTU, FileMTU)
	differs(f.Keepalive != now.Keepalive, FileKeepalive)
	if g.ID == "" {
		return append(out, FileGateway)
	}
	differs(f.Endpoint != EndpointOf(g), FileEndpoint)
	differs(f.Key != g.PublicKey, FileKey)
	return out
}

// digest names a list; two lists that differ have different names.
func digest[T any](list []T) string {
	h := sha256.New()
	for _, x := range list {
		fmt.Fprintln(h, x)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// ErrFileVersion says that a text is no version of a file.
var ErrFileVersion = &Error{Kind: Invalid, Code: "file_version", Msg: "This is not the version of a file."}

// maxVersion bounds what ParseFileFacts reads: an endpoint is at most 253 characters and a port.
const maxVersion = 1000

// Version is f as one word without blanks.
func (f FileFacts) Version() string {
	b, _ := json.Marshal(f) //nolint:errchkjson // texts and numbers only
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseFileFacts reads what Version gave. It returns ErrFileVersion for everything else.
func ParseFileFacts(s string) (f FileFacts, err error) {
	if len(s) > maxVersion {
		return f, ErrFileVersion
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &f) != nil || f.Version() != s {
		return FileFacts{}, ErrFileVersion
	}
	return f, nil
}
