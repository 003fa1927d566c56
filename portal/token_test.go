package portal_test

import (
	"testing"

	"github.com/sallyport/sallyport/portal"
)

func TestTokenTextHoldsItsOwnChecksum(t *testing.T) {
	text := portal.TokenText("sp_", portal.NewSecretText("abc")).Reveal()
	if want := "sp_abc" + "nK25Jw"; text != want { // the CRC-32 of sp_abc, big-endian, base64url
		t.Errorf("got %s, want %s", text, want)
	}
	if secret, ok := portal.TokenSecret("sp_", text); !ok || secret != "abc" {
		t.Errorf("got %q, %v", secret, ok)
	}
	for i := range text {
		wrong := []byte(text)
		wrong[i] ^= 1
		if secret, ok := portal.TokenSecret("sp_", string(wrong)); ok {
			t.Errorf("took %s for a token with secret %s", wrong, secret)
		}
	}
	for _, wrong := range []string{"", "sp_", "sp_abc", text[1:], text + "A", text[:len(text)-1]} {
		if _, ok := portal.TokenSecret("sp_", wrong); ok {
			t.Errorf("took %q for a token", wrong)
		}
	}
	if _, ok := portal.TokenSecret("sp_scim_", text); ok {
		t.Error("took a token for one of another kind")
	}
}

func TestScopesSurviveTheirText(t *testing.T) {
	for _, c := range []struct {
		scopes portal.Scopes
		text   string
		reads  bool
	}{
		{nil, "*", true},
		{portal.Scopes{}, "", false},
		{portal.Scopes{portal.OwnRead, portal.AuditRead}, "own.read audit.read", true},
		{portal.Scopes{portal.AuditRead}, "audit.read", false},
	} {
		if got := c.scopes.String(); got != c.text {
			t.Errorf("text of %#v is %q, want %q", c.scopes, got, c.text)
		}
		back := portal.ParseScopes(c.text)
		if (back == nil) != (c.scopes == nil) || back.Allow(portal.OwnRead) != c.reads {
			t.Errorf("%q reads as %#v", c.text, back)
		}
	}
}

func TestTokenDoesNoMoreThanItsScopesAndItsPersonsRole(t *testing.T) {
	for _, role := range portal.Roles() {
		for _, scope := range portal.Rights() {
			by := portal.Actor{User: "u", Role: role, Token: "t", Scopes: portal.Scopes{scope}}
			for _, x := range portal.Rights() {
				if got, want := by.May(x), x == scope && role.May(x); got != want {
					t.Errorf("%s with scope %s: may %s is %v, want %v", role, scope, x, got, want)
				}
			}
		}
	}
}
