package auth_test

import (
	"log/slog"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// BenchmarkAuthenticate is what each request of a browser costs before it does anything: finding the session and the person, and what the
// session may do. A factor that not every policy accepts is looked up against the person's groups.
func BenchmarkAuthenticate(b *testing.B) {
	for _, with := range []string{"passkey", "totp"} {
		b.Run(with, func(b *testing.B) {
			s := storetest.New(b)
			w := newWorld(b, s)
			w.Log = slog.New(slog.DiscardHandler)
			in := authtest.SignIn(b, w.Service, w.idp, "corp", ada("u1"), browser)
			who := authtest.Who(b, w.Service, in, browser)
			var ready auth.SignedIn
			if with == "totp" {
				_, done := authtest.Enrol(b, w.Service, who, w.clock)
				ready = done.SignedIn
			} else {
				key := &authtest.Authenticator{Origin: origin}
				options, err := w.BeginPasskey(b.Context(), who)
				if err != nil {
					b.Fatal(err)
				}
				done, err := w.ConfirmPasskey(b.Context(), who, "key", key.Create(b, options))
				if err != nil {
					b.Fatal(err)
				}
				ready = done.SignedIn
			}
			for b.Loop() {
				if _, err := w.Authenticate(b.Context(), ready.Secret.Reveal(), browser); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
