package auth

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func parse(t testing.TB, text string) claims {
	t.Helper()
	c := claims{}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClaimsAreReadByTheirExactName(t *testing.T) {
	p, err := readPerson(parse(t, `{"sub":"s","EMAIL":"evil@example.com","Groups":["admins"],"Name":"Evil"}`), nil, &Provider{GroupsClaim: "groups"})
	if err != nil || p.email != "" || p.groupsSaid || p.name != "" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestNameIsTheBestThereIs(t *testing.T) {
	for text, want := range map[string]string{
		`{"sub":"s","name":"Ada","preferred_username":"x"}`:             "Ada",
		`{"sub":"s","name":7,"given_name":"Ada","family_name":"L"}`:     "Ada L",
		`{"sub":"s","family_name":"L"}`:                                 "L",
		`{"sub":"s","name":"\u0000","preferred_username":"ada"}`:        "ada",
		`{"sub":"s","email":"ada@example.com"}`:                         "ada",
		`{"sub":"s"}`:                                                   "",
		`{"sub":"s","name":{"a":1},"email":["a@b"],"groups":{"a":"b"}}`: "",
	} {
		p, err := readPerson(parse(t, text), nil, &Provider{GroupsClaim: "groups"})
		if err != nil || p.name != want {
			t.Errorf("%s: got %q, %v; want %q", text, p.name, err, want)
		}
	}
}

func TestGroupsAreAListOrOneName(t *testing.T) {
	for text, want := range map[string]string{
		`["b","a","a"]`: "a,b", `"one"`: "one", `[]`: "", `null`: "", `7`: "", `[["x"],{"y":1},"z"]`: "z", `["","  ","a ","\n","a\u200bb"]`: "", `["a,b"]`: "a,b",
	} {
		p, err := readPerson(parse(t, `{"sub":"s","groups":`+text+`}`), nil, &Provider{GroupsClaim: "groups"})
		if got := strings.Join(p.groups, ","); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
	many, err := json.Marshal(map[string]any{"sub": "s", "groups": strings.Split(strings.Repeat("g,", 5000)+"g", ",")})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := readPerson(parse(t, string(many)), nil, &Provider{GroupsClaim: "groups"}); err != nil || len(p.groups) != 1 {
		t.Errorf("got %d groups, %v", len(p.groups), err)
	}
}

func TestVerifiedBelongsToItsAddress(t *testing.T) {
	for name, c := range map[string]struct {
		id, info string
		email    string
		verified bool
	}{
		"both in userinfo":         {`{"sub":"s"}`, `{"email":"a@b","email_verified":true}`, "a@b", true},
		"verified in userinfo":     {`{"sub":"s","email":"a@b"}`, `{"email":"a@b","email_verified":true}`, "a@b", true},
		"verified of another":      {`{"sub":"s","email":"a@b"}`, `{"email":"c@d","email_verified":true}`, "a@b", false},
		"verified without address": {`{"sub":"s","email_verified":true}`, `{"email":"c@d"}`, "c@d", false},
		"ID token wins":            {`{"sub":"s","email":"a@b","email_verified":false}`, `{"email":"a@b","email_verified":true}`, "a@b", false},
	} {
		said := parse(t, c.id)
		said.merge(parse(t, c.info))
		p, err := readPerson(said, said, &Provider{})
		if err != nil || p.email != c.email || p.verified != c.verified {
			t.Errorf("%s: got %q %v, %v", name, p.email, p.verified, err)
		}
	}
}

func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{"sub":"s","name":"Ada","email":"a@b.example","email_verified":true,"groups":["x"]}`, `{"sub":""}`, `{"sub":7}`, `{"groups":"x","sub":"s"}`, `{"sub":"s","email":"a@b@c","name":"\u202e"}`,
	} {
		f.Add(seed, `{"email":"c@d"}`)
	}
	f.Fuzz(func(t *testing.T, id, info string) {
		said, more := claims{}, claims{}
		if json.Unmarshal([]byte(id), &said) != nil || json.Unmarshal([]byte(info), &more) != nil || said == nil || more == nil {
			return
		}
		said.merge(more)
		p, err := readPerson(said, said, &Provider{GroupsClaim: "groups"})
		if err != nil {
			return
		}
		for _, text := range append([]string{p.subject, p.name, p.email}, p.groups...) {
			if strings.ContainsFunc(text, unicode.IsControl) || len(text) > 4*maxGroup {
				t.Errorf("%q passed", text)
			}
		}
		if p.subject == "" || len(p.groups) > maxGroups || p.verified && p.email == "" || strings.Count(p.email, "@") > 1 {
			t.Errorf("got %+v", p)
		}
	})
}

func TestClaimsAreFoundByNameOrPath(t *testing.T) {
	said := parse(t, `{"sub":"s","https://example.com/groups":["ns"],"realm_access":{"roles":["kc"]},"a.b":"whole","a":{"b":"path","c.d":"dotted","c":{"d":"deep"}},"":"none",
		"list":[{"x":1}],"text":"t","x":{"y":{"z":["deepest"]}}}`)
	for name, want := range map[string]string{
		"https://example.com/groups": "ns", "realm_access.roles": "kc", "a.b": "whole", "a.c.d": "dotted", "x.y.z": "deepest",
		"realm_access": "", "REALM_ACCESS.roles": "", "realm_access.Roles": "", "list.x": "", "list.0": "", "text.length": "", "a.": "", ".a": "", ".": "", "x..z": "", "none": "",
	} {
		p, err := readPerson(said, said, &Provider{GroupsClaim: name})
		if got := strings.Join(p.groups, ","); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	deep := `"x"`
	for range 2 * maxDepth {
		deep = `{"n":` + deep + `}`
	}
	if _, ok := parse(t, `{"n":`+deep+`}`).find(strings.Repeat("n.", 2*maxDepth) + "n"); ok {
		t.Error("a claim is found however deep it is")
	}
}

func FuzzClaimMapping(f *testing.F) {
	f.Add(`{"sub":"s","realm_access":{"roles":["a"]},"oid":"o"}`, "oid", "realm_access.roles", "name", "a")
	f.Add(`{"sub":"s","https://e.com/g":"x","mail":"a@b"}`, "", "https://e.com/g", "a.b.c", "mail")
	f.Add(`{"sub":"s","a":{"a":{"a":{"a":null}}}}`, "a.a", "a.a.a.a.a.a.a.a.a.a.a", ".", "..")
	f.Fuzz(func(t *testing.T, text, subject, groups, name, email string) {
		said := claims{}
		if json.Unmarshal([]byte(text), &said) != nil || said == nil {
			return
		}
		from := &Provider{
			ID: "p", Name: "P", Issuer: "https://idp.example.com", ClientID: "c",
			SubjectClaim: subject, GroupsClaim: groups, NameClaim: name, EmailClaim: email, AdminGroups: []string{"a"}, TrustAMR: []string{"mfa"}, Domains: []string{"b"},
		}
		from.wrong()
		p, err := readPerson(said, said, from)
		if err != nil {
			return
		}
		for _, text := range append([]string{p.subject, p.upstream.Subject, p.upstream.Session, p.name, p.email}, p.groups...) {
			if strings.ContainsFunc(text, unicode.IsControl) || len(text) > 4*maxGroup {
				t.Errorf("%q passed", text)
			}
		}
		var sub string
		if p.subject == "" || json.Unmarshal(said["sub"], &sub) != nil || p.upstream.Subject != sub {
			t.Errorf("got %+v", p)
		}
		if from.roleOf(p.groups) == portal.RoleAdmin && !strings.Contains(text, "a") || from.admits(p) && !p.verified {
			t.Errorf("got %+v", p)
		}
		if len(p.groups) > maxGroups || p.verified && p.email == "" || p.groupsSaid && groups == "" {
			t.Errorf("got %+v", p)
		}
	})
}

func TestNextRole(t *testing.T) {
	const u, a, o, n, h = portal.RoleUser, portal.RoleAdmin, portal.RoleOwner, portal.RoleNetworkAdmin, portal.RoleHelpDesk
	const own, other = store.RoleSource("claim:corp"), store.RoleSource("claim:other")
	for _, c := range []struct {
		role    portal.Role
		from    store.RoleSource
		claimed portal.Role
		owner   bool
		want    portal.Role
		source  store.RoleSource
	}{
		{u, store.RoleLocal, "", false, u, store.RoleLocal},
		{u, store.RoleLocal, a, false, a, own},
		{a, own, a, false, a, own},
		{o, own, a, false, a, own},
		{a, own, "", false, u, store.RoleLocal},
		{a, store.RoleLocal, "", false, a, store.RoleLocal},
		{o, store.RoleLocal, a, false, o, store.RoleLocal},
		{a, store.RoleLocal, o, false, o, own},
		{n, store.RoleLocal, h, false, n, store.RoleLocal}, // neither has all rights of the other
		{n, own, h, false, h, own},
		{n, store.RoleLocal, a, false, a, own},
		{a, store.RoleFromClaim, "", false, u, store.RoleLocal}, // from before sources named the provider
		{a, other, "", false, a, other},                         // another provider gave it
		{a, other, h, false, a, other},
		{h, other, a, false, a, own},
		{u, store.RoleLocal, "", true, o, store.RoleLocal},
		{a, own, a, true, o, store.RoleLocal},
	} {
		if role, source := nextRole(c.role, c.from, c.claimed, c.owner, own); role != c.want || source != c.source {
			t.Errorf("%s by %s, claim %q, owner %v: got %s by %s, want %s by %s", c.role, c.from, c.claimed, c.owner, role, source, c.want, c.source)
		}
	}
}
