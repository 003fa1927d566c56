package api_test

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/portal"
)

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("ZA")
	f.Add("ZDAxODk")
	f.Add("cDAxODk")
	f.Add("YTQy")
	f.Add("YS0x")
	f.Add("////")
	f.Add("ZAAA=")
	f.Fuzz(func(t *testing.T, s string) {
		after, err := api.DecodeCursor(s)
		if err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && after != "" && *api.EncodeCursor(after) != s {
			t.Fatalf("%q is read as %q, which is written as %q", s, after, *api.EncodeCursor(after))
		}
		if n, err := api.DecodeAudit(s); err == nil && s != "" && n == 0 {
			t.Fatalf("%q is read as sequence number 0", s)
		}
	})
}

func TestACursorIsForItsOwnListOnly(t *testing.T) {
	if _, err := api.DecodeAudit(*api.EncodeCursor("42")); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("the cursor of devices works for the audit trail: %v", err)
	}
	if api.EncodeCursor("") != nil {
		t.Error("the last page has a cursor")
	}
}
