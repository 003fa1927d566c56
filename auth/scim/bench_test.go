package scim_test

import (
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

var (
	syncPeople = flag.Int("scim.people", 2000, "people in BenchmarkSync; a company has 50000")
	syncGroups = flag.Int("scim.groups", 20, "groups in BenchmarkSync; a company has 500")
)

// BenchmarkSync is the first cycle of a directory: it looks for each person, makes them, and puts them into groups, a hundred at a time.
// One connection, as directories do it. It reports minutes and the live heap after it.
func BenchmarkSync(b *testing.B) {
	for b.Loop() {
		w := newWorld(b, storetest.New(b))
		start := time.Now()
		ids := make([]portal.UserID, *syncPeople)
		for i := range ids {
			name := fmt.Sprintf("person%05d", i)
			w.want(http.StatusOK, "GET", "/Users?filter=userName+eq+%22"+name+"%40example.com%22", "")
			ids[i] = w.user(name)
		}
		made := time.Since(start)
		share := len(ids) / *syncGroups
		for i := range *syncGroups {
			g := w.group(fmt.Sprintf("Group %03d", i))
			for part := i * share; part < (i+1)*share; part += 100 {
				w.want(http.StatusNoContent, "PATCH", "/Groups/"+string(g), patch(`{"op":"Add","path":"members","value":`+memberList(ids[part:min(part+100, (i+1)*share)]...)+`}`))
			}
		}
		took := time.Since(start)
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(took.Minutes(), "min/sync")
		b.ReportMetric(float64(len(ids))/made.Seconds(), "people/s")
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-heap")
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-of-system")
	}
}

// BenchmarkOneMember is a PATCH that adds and one that removes a member, in groups of different size: the cost is that of the change.
func BenchmarkOneMember(b *testing.B) {
	for _, size := range []int{10, *syncPeople} {
		b.Run(fmt.Sprintf("of=%d", size), func(b *testing.B) {
			w := newWorld(b, storetest.New(b))
			ids := make([]portal.UserID, size)
			for i := range ids {
				ids[i] = w.user(fmt.Sprintf("p%d", i))
			}
			g, one := w.group("Big", ids...), w.user("one")
			var n atomic.Int64
			for b.Loop() {
				op := `{"op":"add","path":"members","value":[{"value":"` + string(one) + `"}]}`
				if n.Add(1)%2 == 0 {
					op = `{"op":"remove","path":"members[value eq \"` + string(one) + `\"]"}`
				}
				w.want(http.StatusNoContent, "PATCH", "/Groups/"+string(g), patch(op))
			}
		})
	}
}
