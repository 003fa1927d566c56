package gateway_test

import (
	"testing"

	"github.com/sallyport/sallyport/portal"
)

func TestAllowedPassesAndTheRestIsRefused(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80", "10.1.0.2:22", "[fd01::2]:80", "[fd01::2]:22")
	d := w.connect(portal.LevelFull, tomorrow, allow("web", dst("10.1.0.2/32", portal.TCP, 80), dst("fd01::2/128", portal.TCP, 80)))
	d.reaches(t, "10.1.0.2:80")
	d.reaches(t, "[fd01::2]:80")
	d.doesNotReach(t, "10.1.0.2:22")
	d.doesNotReach(t, "[fd01::2]:22")
	if err := w.pings(d, "10.8.0.1"); err != nil {
		t.Error(err)
	}
}
