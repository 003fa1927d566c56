package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

// BenchmarkCreateDevice adds devices over HTTP on SQLite, durable, with as many people at once: the whole way of a request through the
// gate, the validator and one transaction.
func BenchmarkCreateDevice(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			w := newWorld(b)
			w.quiet.Store(true)
			p := w.place(w.ready("boss", "admins"))
			people := make([]*visitor, clients)
			for i := range people {
				people[i] = w.ready(fmt.Sprintf("person-%d", i))
			}
			bodies := make([]map[string]any, b.N)
			for i := range bodies {
				bodies[i] = newDevice(p, fmt.Sprintf("Device %d", i), must(portal.NewPrivateKey()))
			}
			b.ResetTimer()
			var all sync.WaitGroup
			for c, v := range people {
				all.Go(func() {
					for i := c; i < b.N; i += clients {
						if a := v.send("POST", "/devices", bodies[i]); a.status != http.StatusCreated {
							b.Errorf("%d %s", a.status, a.body)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "devices/s")
		})
	}
}
