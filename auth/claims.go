package auth

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
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
	verified        bool // the provider vouches for the address
	groups          []string
	groupsSaid      bool // the groups claim was there, if empty
}

var errBadSubject = errors.New("the subject is empty, too long or not plain text")

// readPerson takes what the portal needs out of claims. Only the subject must be right: a name or an address that isn't is left out, and
// a group that isn't is not joined, since a name with its odd characters removed could be another group's.
func readPerson(c claims, groupsClaim string) (person, error) {
	p := person{subject: c.text("sub")}
	if p.subject == "" || !plainText(p.subject, maxSubject) {
		return person{}, errBadSubject
	}
	p.email, p.verified = readEmail(c)
	p.name = readName(c, p.email)
	if groupsClaim != "" {
		p.groups, p.groupsSaid = c.groups(groupsClaim)
	}
	return p, nil
}

func readEmail(c claims) (email string, verified bool) {
	email = c.text("email")
	local, domain, ok := strings.Cut(email, "@")
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`<>"(),;:\`, r)
	}
	if !ok || local == "" || domain == "" || len(email) > maxEmail || strings.Contains(domain, "@") || !plainText(email, maxEmail) || strings.ContainsFunc(email, odd) {
		return "", false
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

// text returns a claim that is a string, else "".
func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// groups returns the usable names of a claim that is a list of strings, or one string.
func (c claims) groups(name string) (names []string, said bool) {
	raw, ok := c[name]
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
	for _, name := range []string{"email", "name", p.GroupsClaim} {
		if _, ok := c[name]; name != "" && !ok {
			return true
		}
	}
	_, ok := c["email_verified"]
	return len(p.Domains) > 0 && !ok
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
