package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth/authtest"
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

// BenchmarkSignIn is whole sign-ins over HTTP on SQLite: the redirect to the provider, its answer with the exchange of the code and the check
// of the ID token, and an authenticator app's code. The provider is in the same process, so its signatures are in the figure too.
func BenchmarkSignIn(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			w := newWorld(b)
			w.quiet.Store(true)
			people := make([]*visitor, clients)
			for i := range people {
				people[i] = w.ready(fmt.Sprintf("person-%d", i))
			}
			var asking sync.Mutex // the provider knows one answer at a time
			b.ResetTimer()
			for done := 0; done < b.N; done += clients {
				var all sync.WaitGroup
				for i, v := range people[:min(clients, b.N-done)] {
					all.Go(func() { v.signInAgain(fmt.Sprintf("person-%d", i), &asking) })
				}
				all.Wait()
				w.pass(time.Minute) // each step of an authenticator app is good for one sign-in
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
		})
	}
}

// signInAgain is a sign-in of somebody who has a second factor; what only one may do at a time is done under asking.
func (v *visitor) signInAgain(subject string, asking *sync.Mutex) {
	back := *v.http
	back.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/auth/callback/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	start := v.request("GET", "//auth/start?provider=corp&return_to=/", nil)
	asking.Lock()
	v.w.idp.Set(authtest.Answer{Subject: subject, Claims: map[string]any{"groups": []string{}}})
	resp, err := back.Do(start)
	asking.Unlock()
	if err != nil {
		v.w.t.Error(err)
		return
	}
	_ = resp.Body.Close()
	callback := strings.TrimPrefix(resp.Header.Get("Location"), v.w.base)
	for _, a := range []answer{v.send("GET", "/"+callback, nil), v.send("POST", "/session/totp", map[string]string{"code": v.code()})} {
		if a.status != http.StatusOK {
			v.w.t.Errorf("%d %s", a.status, a.body)
		}
	}
}

// BenchmarkMay is the check of a right, as each request passes it.
func BenchmarkMay(b *testing.B) {
	rights := portal.Rights()
	for i := 0; b.Loop(); i++ {
		if r := rights[i%len(rights)]; !portal.RoleOwner.May(r) {
			b.Fatal(r)
		}
	}
}
