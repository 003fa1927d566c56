package peers_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func TestNewDeviceLastsFromWhenThePersonWasTrusted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		by := h.person("Ada")
		by.TrustedAt = time.Time{} // the portal within the grace, without a second factor
		_, err := h.s.CreateDevice(h.ctx(), by, h.newDevice("none"))
		wantErr(t, err, portal.ErrStepUp)
		by.TrustedAt = h.now.Add(-time.Hour) // the sign-in, where no factor is asked for
		signedIn, err := h.s.CreateDevice(h.ctx(), by, h.newDevice("signed in"))
		h.ok(err)
		by.FactorAt = h.now.Add(-30 * time.Minute)
		shown, err := h.s.CreateDevice(h.ctx(), by, h.newDevice("shown"))
		h.ok(err)
		if got := shown.Grant.NotAfter.Sub(signedIn.Grant.NotAfter); got != 30*time.Minute {
			t.Errorf("a factor of half an hour ago lasts %v longer than a sign-in of an hour ago, want 30m", got)
		}
	})
}
