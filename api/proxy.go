package api

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// trustProxies makes the two functions that decide what X-Forwarded-For and X-Forwarded-Proto are worth: something only when the
// connection comes from one of trusted, and nothing by default. (echo's own default believes everybody.)
func trustProxies(trusted []netip.Prefix) (echo.IPExtractor, echo.SchemeExtractor) {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect(), schemeOf
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	scheme := func(r *http.Request) string {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !anyContains(trusted, from.Addr().Unmap()) {
			return schemeOf(r)
		}
		if strings.EqualFold(r.Header.Get(echo.HeaderXForwardedProto), "https") {
			return "https"
		}
		return schemeOf(r)
	}
	return echo.ExtractIPFromXFFHeader(options...), scheme
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

func anyContains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
