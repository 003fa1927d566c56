package portal_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func TestIdsAreUUIDv7AndSortByTime(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`) // RFC 9562, section 5.7
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var before portal.DeviceID
	for i := range 100 {
		id := portal.NewID[portal.DeviceID](start.Add(time.Duration(i) * time.Millisecond))
		if !form.MatchString(string(id)) {
			t.Fatalf("%q is not a UUIDv7", id)
		}
		if id <= before {
			t.Fatalf("%q, minted later, sorts before %q", id, before)
		}
		before = id
	}
}
