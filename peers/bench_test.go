package peers_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// BenchmarkCreateDevice makes devices through the service on SQLite with durable commits.
func BenchmarkCreateDevice(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			h := newHouse(b, storetest.New(b))
			createDevices(b, h, clients, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "devices/s")
		})
	}
}

// createDevices makes n devices, each client for a person of its own, and times that.
func createDevices(b testing.TB, h *house, clients, n int) {
	b.Helper()
	people := make([]portal.Actor, clients)
	for i := range people {
		people[i] = h.person(fmt.Sprint("Person ", i))
	}
	inputs := make([]peers.NewDevice, n)
	for i := range inputs {
		inputs[i] = h.newDevice(fmt.Sprint("device ", i))
		inputs[i].PublicKey = numberedKey(i).String()
	}
	if bb, ok := b.(*testing.B); ok {
		bb.ResetTimer()
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, by := range people {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if _, err := h.s.CreateDevice(h.ctx(), by, inputs[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// numberedKey is a key that is cheap to make: most points have a large order.
func numberedKey(i int) portal.PublicKey {
	return portal.PublicKey{0: 0x2a, 1: byte(i), 2: byte(i >> 8), 3: byte(i >> 16), 4: 0x55}
}
