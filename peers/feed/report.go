package feed

import (
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Report is what a gateway says of itself.
type Report struct {
	Revision  uint64           // that it has applied
	Hash      string           // of its objects at Revision; portal.State.Hash
	Problem   string           // what it could not apply, "" when all is well
	ApplyTook time.Duration    // from receipt to applied, of the last change
	Version   string           // of the gateway's program; "" keeps what is known
	PublicKey portal.PublicKey // WireGuard's; zero keeps what is known
	Drift     int              // objects repaired since the start, other than by a change
	OpenVPN   portal.OpenVPNPorts
	Live      []portal.Live // devices that changed since the last report; Gateway and At are set by the portal
}
