package trail_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// BenchmarkTrail reads a trail of 20,000 events from end to end.
func BenchmarkTrail(b *testing.B) {
	const n = 20000
	s := storetest.New(b)
	err := s.Tx(b.Context(), func(tx *store.Tx) error {
		for i := range n {
			if err := tx.Audit(auditor, "device.create", fmt.Sprintf("device:%d", i), map[string]any{"name": "laptop", "owner": "u1"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	svc := &trail.Service{Store: s}
	perEvent := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/event") }
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if r, err := svc.Verify(b.Context(), portal.System, trail.Anchor{}); err != nil || !r.Whole() {
				b.Fatal(r, err)
			}
		}
		perEvent(b)
	})
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			e, err := svc.Export(b.Context(), portal.System, store.AuditFilter{}, trail.CSV)
			if err != nil {
				b.Fatal(err)
			}
			if err := e.WriteTo(b.Context(), io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		perEvent(b)
	})
}
