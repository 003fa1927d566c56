package auth

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// errPrivateAddress refuses to connect to where an admin's URL must not lead.
var errPrivateAddress = errors.New("the address is in a network that is not public; see provider_networks")

// closedNetworks are those that are not public beside what netip knows (IANA's registries of special-purpose addresses), and those whose
// addresses hold an IPv4 address that would be reached instead.
var closedNetworks = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::/96",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// mayConnect reports whether the portal may ask something at this address because an admin entered a URL. Networks that the configuration
// names are fine, others only where they are public.
func mayConnect(addr netip.Addr, open []netip.Prefix) bool {
	addr = addr.WithZone("").Unmap()
	within := func(p netip.Prefix) bool { return p.Contains(addr) }
	if slices.ContainsFunc(open, within) {
		return true
	}
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !slices.ContainsFunc(closedNetworks, within)
}

// guardedDialer connects to public addresses and to those in open. It is asked at the moment of connecting, with the address that the name led
// to, so a name that changes its mind and a redirect are seen too.
func guardedDialer(open []netip.Prefix) *net.Dialer {
	return &net.Dialer{Timeout: discoverWithin, KeepAlive: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !mayConnect(to.Addr(), open) {
			return errPrivateAddress
		}
		return nil
	}}
}

// GuardedClient returns a client that connects to public addresses and to those in open, wherever names and redirects lead, and by no proxy.
func GuardedClient(open []netip.Prefix) *http.Client { return guardedClient(open) }

// guardedClient returns a client that connects by a guardedDialer. It uses no proxy, which would connect for it.
func guardedClient(open []netip.Prefix) *http.Client {
	return &http.Client{Timeout: answerWithin, Transport: &http.Transport{
		DialContext: guardedDialer(open).DialContext, TLSHandshakeTimeout: discoverWithin, ResponseHeaderTimeout: answerWithin,
		IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4, ForceAttemptHTTP2: true,
	}}
}
