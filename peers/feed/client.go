package feed

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Follower is who carries out changes: the gateway's agent.
type Follower interface {
	// Since tells where to resume: the revision held, and the hash of its objects. Revision 0 means that nothing is held.
	Since() (revision uint64, hash string)
	// Apply carries out a change and returns when that is done. Changes come one at a time, in order. An error is logged and does
	// not end the stream: the follower holds the change and tries again by itself.
	Apply(ctx context.Context, c portal.Change) error
}

// Client is the gateway's end. Fill the fields, then Run it.
type Client struct {
	Credentials Credentials
	Save        func(Credentials) error // keeps renewed credentials; nil: they are lost at the end
	OnContact   func()                  // called whenever a portal was heard of; must not block; may be nil
	Version     string
	Now         func() time.Time
	Log         *slog.Logger
}

// Run follows the portal until ctx ends, which is not an error: it connects to any of the portals, resumes, and connects again after a
// growing, random pause. It renews the certificate when two thirds of its time are over. It returns an error only when going on is
// pointless: the gateway is retired or its certificate has ended.
func (c *Client) Run(ctx context.Context, f Follower) error { <-ctx.Done(); return nil }

// Report sends r with the next message, without blocking. Reports that wait become one: the newest figures, and the newest Live of
// each device.
func (c *Client) Report(r Report) {}

// Contact returns when a portal was last heard of; the zero time means never.
func (c *Client) Contact() time.Time { return time.Time{} }

// Connected reports whether a stream is up.
func (c *Client) Connected() bool { return false }
