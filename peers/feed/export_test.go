package feed

import (
	"crypto/tls"
	"encoding/base64"
	"time"

	"golang.org/x/time/rate"
)

// Unlimit lets benchmarks enrol a thousand gateways from one address.
func Unlimit(h *Hub) {
	h.init()
	h.limit.every = rate.Inf
}

// ClientTLS is what a gateway shows, for tests that speak for themselves.
func ClientTLS(c Credentials) *tls.Config {
	config, err := c.clientTLS(time.Now)
	if err != nil {
		panic(err)
	}
	return config
}

// Older makes a client that understands this many dialects less.
func Older(c *Client, by int) { c.older = by }

// Base64 is how bytes stand in a message.
func Base64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
