package auth

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/portal"
)

// The limits on what a provider says. A subject is at most 255 ASCII characters by OpenID Connect Core 1.0, section 2; an address at
// most 254 (RFC 5321, section 4.5.3.1.3, less the brackets).
const (
	maxSubject = 255
	maxName    = 128 // characters
	maxEmail   = 254
	maxGroups  = 500
	maxGroup   = 256 // bytes
)

// claims are what ID token and userinfo say, by exact name: encoding/json alone would take "EMAIL" for "email".
type claims map[string]json.RawMessage

// person is what the portal takes from claims.
type person struct {
	issuer, subject string
	name, email     string
	upstream        portal.Upstream // the provider's own words, without the ID token
	idToken         portal.Secret   // as it came; zero where signing out does not go on at the provider
	authTime        time.Time       // when the person showed themselves to the provider; zero: it does not say
	factor          bool            // with a second factor, as far as this provider is trusted
	verified        bool            // the provider vouches for the address
	said            claims
	groups          []string
	groupsSaid      bool // the groups claim was there, if empty
}

var errBadSubject = errors.New("the subject is empty, too long or not plain text")

// readPerson takes what the portal needs out of claims. Only the subject must be right: a name or an address that isn't is left out, and
// a group that isn't is not joined, since a name with its odd characters removed could be another group's. How somebody showed themselves is
// taken from signed alone, the claims of the ID token: what userinfo adds may be a field of a profile that people fill in themselves.
func readPerson(c, signed claims, from *Provider) (person, error) {
	p := person{subject: c.text(cmp.Or(from.SubjectClaim, "sub")), upstream: portal.Upstream{Subject: c.text("sub")}}
	for _, subject := range []string{p.subject, p.upstream.Subject} {
		if subject == "" || !plainText(subject, maxSubject) {
			return person{}, errBadSubject
		}
	}
	if sid := signed.text("sid"); plainText(sid, maxSubject) {
		p.upstream.Session = sid
	}
	p.email, p.verified = readEmail(c, cmp.Or(from.EmailClaim, "email"), from.EmailTrusted)
	p.name = readName(c, p.email)
	if from.NameClaim != "" {
		p.name = cmp.Or(cleanText(c.text(from.NameClaim), maxName), p.name)
	}
	if from.GroupsClaim != "" {
		p.groups, p.groupsSaid = c.groups(from.GroupsClaim)
	}
	p.authTime, p.factor = signed.time("auth_time"), from.trustsFactor(signed)
	return p, nil
}

// trustsFactor reports whether the provider says that there was a second factor, in a way that an admin has said to trust.
func (p *Provider) trustsFactor(c claims) bool {
	if acr := c.text("acr"); acr != "" && slices.Contains(p.TrustACR, acr) {
		return true
	}
	var amr []string
	if len(p.TrustAMR) == 0 || json.Unmarshal(c["amr"], &amr) != nil {
		return false
	}
	return slices.ContainsFunc(amr, func(m string) bool { return slices.Contains(p.TrustAMR, m) })
}

func readEmail(c claims, claim string, trusted bool) (email string, verified bool) {
	email = c.text(claim)
	local, domain, ok := strings.Cut(email, "@")
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`<>"(),;:\`, r)
	}
	if !ok || local == "" || domain == "" || len(email) > maxEmail || strings.Contains(domain, "@") || !plainText(email, maxEmail) || strings.ContainsFunc(email, odd) {
		return "", false
	}
	if _, said := c["email_verified"]; !said {
		return email, trusted
	}
	if claim != "email" { // the word is about another address
		return email, trusted
	}
	var yes bool
	if json.Unmarshal(c["email_verified"], &yes) != nil {
		yes = c.text("email_verified") == "true" // some providers send the word
	}
	return email, yes
}

// readName returns the best there is to call a person by, which may be "".
func readName(c claims, email string) string {
	local, _, _ := strings.Cut(email, "@")
	for _, text := range []string{c.text("name"), c.text("given_name") + " " + c.text("family_name"), c.text("preferred_username"), local} {
		if name := cleanText(text, maxName); name != "" {
			return name
		}
	}
	return ""
}

// maxDepth bounds how deep a claim may be nested.
const maxDepth = 8

// find returns a claim by its name, or where there is none of the whole name by its path: "realm_access.roles" is what "realm_access" has
// under "roles". A name with dots of its own, like "https://example.com/groups", is thus found first.
func (c claims) find(name string) (json.RawMessage, bool) {
	return c.at(name, maxDepth)
}

func (c claims) at(name string, depth int) (json.RawMessage, bool) {
	if raw, ok := c[name]; ok {
		return raw, true
	}
	if depth == 0 {
		return nil, false
	}
	for i, r := range name {
		if r != '.' {
			continue
		}
		raw, ok := c[name[:i]]
		if !ok {
			continue
		}
		inner := claims{}
		if json.Unmarshal(raw, &inner) != nil {
			continue
		}
		if found, ok := inner.at(name[i+1:], depth-1); ok {
			return found, true
		}
	}
	return nil, false
}

// time returns a claim that is a number of seconds since 1970, else the zero time.
func (c claims) time(name string) time.Time {
	var n float64
	if json.Unmarshal(c[name], &n) != nil || n <= 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

// text returns a claim that is a string, else "".
func (c claims) text(name string) string {
	var s string
	raw, _ := c.find(name)
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// groups returns the usable names of a claim that is a list of strings, or one string.
func (c claims) groups(name string) (names []string, said bool) {
	raw, ok := c.find(name)
	if !ok || string(raw) == "null" {
		return nil, false
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		many = []json.RawMessage{raw}
	}
	for _, item := range many {
		var g string
		if json.Unmarshal(item, &g) == nil && usableGroup(g) {
			names = append(names, g)
		}
		if len(names) == maxGroups {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names), true
}

// usableGroup reports whether a name can be a group's: printable, and not to be mistaken for another one by spaces at its ends.
func usableGroup(g string) bool {
	return g != "" && len(g) <= maxGroup && plainText(g, maxGroup) && strings.TrimSpace(g) == g &&
		!strings.ContainsFunc(g, func(r rune) bool { return !unicode.IsPrint(r) })
}

// missing reports whether userinfo should be asked: something that the portal uses is not in the ID token.
func (c claims) missing(p *Provider) bool {
	for _, name := range []string{cmp.Or(p.SubjectClaim, "sub"), cmp.Or(p.EmailClaim, "email"), cmp.Or(p.NameClaim, "name"), p.GroupsClaim} {
		if _, ok := c.find(name); name != "" && !ok {
			return true
		}
	}
	_, ok := c["email_verified"]
	return len(p.Domains) > 0 && !ok && !p.EmailTrusted
}

// merge adds what only more says. An address and its being verified stay together.
func (c claims) merge(more claims) {
	if _, ok := c["email"]; ok {
		if c.text("email") != more.text("email") {
			delete(more, "email_verified")
		}
	} else {
		delete(c, "email_verified")
	}
	for name, raw := range more {
		if _, ok := c[name]; !ok {
			c[name] = raw
		}
	}
}

// admits reports whether the provider's domains let the person in.
func (p *Provider) admits(who person) bool {
	if len(p.Domains) == 0 {
		return true
	}
	_, domain, _ := strings.Cut(who.email, "@")
	return who.verified && slices.ContainsFunc(p.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// roleOf is the role that a person's groups give; "" for none.
func (p *Provider) roleOf(groups []string) portal.Role {
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(g string) bool { return slices.Contains(groups, g) })
	}
	switch {
	case in(p.OwnerGroups):
		return portal.RoleOwner
	case in(p.AdminGroups):
		return portal.RoleAdmin
	case in(p.StaffGroups.NetworkAdmin):
		return portal.RoleNetworkAdmin
	case in(p.StaffGroups.HelpDesk):
		return portal.RoleHelpDesk
	case in(p.StaffGroups.Auditor):
		return portal.RoleAuditor
	}
	return ""
}
