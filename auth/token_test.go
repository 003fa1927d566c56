package auth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

func TestTokenIsLimitedToItsScopes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := w.enrolled(ada("me"))
		made, secret, err := w.CreateToken(t.Context(), me.Who, "read", portal.Scopes{auth.OwnRead}, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.keep(secret)
		who, err := w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
		if err != nil {
			t.Fatal(err)
		}
		if by := who.Actor(); !by.May(auth.OwnRead) || by.May(auth.OwnDevices) {
			t.Errorf("may read %v, may change devices %v", by.May(auth.OwnRead), by.May(auth.OwnDevices))
		}
		wantErr(t, "beyond its scopes", auth.Allow(who.Actor(), auth.OwnDevices, w.clock), portal.ErrForbidden)
		all, err := w.Tokens(t.Context(), me.Who)
		if err != nil || len(all) != 1 || !slices.Equal(all[0].Scopes, made.Scopes) {
			t.Errorf("got %+v, %v", all, err)
		}
	})
}

func TestScopesAreCheckedAgainstTheirPerson(t *testing.T) {
	w := on(t)
	me := w.enrolled(ada("me"))
	for name, scopes := range map[string]portal.Scopes{
		"none":         {},
		"no such":      {"own.everything"},
		"twice":        {auth.OwnRead, auth.OwnRead},
		"not mine":     {auth.PeopleRead},
		"session only": {auth.OwnSecurity},
		"needs fresh":  {auth.PeopleWrite},
		"too many":     slices.Repeat(portal.Scopes{auth.OwnRead}, 10000),
	} {
		_, _, err := w.CreateToken(t.Context(), me.Who, "x", scopes, 0)
		wantErr(t, name, err, portal.ErrInvalid)
	}
}

func TestNoTokenIsOfferedARightThatItCouldNotUse(t *testing.T) {
	for _, role := range portal.Roles() {
		for _, x := range auth.TokenScopes(role) {
			if err := auth.Allow(portal.Actor{User: "u", Token: "t", Role: role, Scopes: portal.Scopes{x}}, x, time.Now()); err != nil {
				t.Errorf("%s: %s: %v", role, x, err)
			}
		}
	}
}
