package api

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// keyPlaceholder stands in the file where the person's own key goes: the portal never has it.
const keyPlaceholder = "REPLACE-WITH-YOUR-PRIVATE-KEY"

// wgQuick is c in the form of wg-quick(8), which the WireGuard apps and NetworkManager read too. The web app builds the same file, with
// the key in it, in the browser.
func wgQuick(c portal.WireGuardConfig) string {
	var b strings.Builder
	for _, line := range c.Comments {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	fmt.Fprintf(&b, "[Interface]\nPrivateKey = %s\nAddress = %s\n", keyPlaceholder, join(c.Addresses))
	if names := append(stringsOf(c.DNS), c.Search...); len(names) > 0 {
		fmt.Fprintf(&b, "DNS = %s\n", strings.Join(names, ", "))
	}
	if c.MTU > 0 {
		fmt.Fprintf(&b, "MTU = %d\n", c.MTU)
	}
	fmt.Fprintf(&b, "\n[Peer]\nPublicKey = %s\nAllowedIPs = %s\nEndpoint = %s\n", c.PublicKey, join(c.AllowedIPs), c.Endpoint)
	if k := seconds(c.Keepalive); k > 0 {
		fmt.Fprintf(&b, "PersistentKeepalive = %d\n", k)
	}
	return b.String()
}

func join(prefixes []netip.Prefix) string { return strings.Join(stringsOf(prefixes), ", ") }

func stringsOf[T fmt.Stringer](items []T) []string { return texts(items) }

func configJSON(c portal.WireGuardConfig) WireGuardConfig {
	out := WireGuardConfig{
		FileName: c.FileName, Comments: nonNil(c.Comments), Addresses: texts(c.Addresses), Dns: texts(c.DNS), Search: nonNil(c.Search), Mtu: c.MTU,
		AllowedIps: texts(c.AllowedIPs), PublicKey: c.PublicKey.String(), Endpoint: c.Endpoint, Keepalive: seconds(c.Keepalive), Pop: text(c.PoP), Version: text(c.Version),
	}
	if c.PublicKey.IsZero() {
		out.PublicKey = "" // no gateway takes clients now
	}
	if len(c.AllowedIPsShort) > 0 {
		short := texts(c.AllowedIPsShort)
		out.AllowedIpsShort = &short
	}
	return out
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type acceptKey struct{}

// wantsText reports whether the client asked for text and not for JSON: by name, as `curl -H 'Accept: text/plain'` does.
func wantsText(ctx context.Context) bool {
	accept, _ := ctx.Value(acceptKey{}).(string)
	plain, json := strings.Index(accept, "text/plain"), strings.Index(accept, "application/json")
	return plain >= 0 && (json < 0 || plain < json)
}
