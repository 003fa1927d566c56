package auth

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// The limits on what an admin enters.
const (
	maxScopes    = 20
	maxMapped    = 100 // groups for one role
	maxDomains   = 100
	maxClaimName = 256
	maxSecret    = 4096
	maxMaxAge    = 30 * 24 * time.Hour
)

// claimsOfMany are claims that somebody can change for themselves, or that pass on to somebody else: nobody is known by them.
var claimsOfMany = []string{
	"email", "mail", "preferred_username", "username", "login", "upn", "unique_name", "name", "nickname", "given_name", "family_name", "phone_number",
}

// ofMany reports whether a claim is such a one, also below another or in somebody's namespace.
func ofMany(claim string) bool {
	last := claim[strings.LastIndexAny(claim, "./:")+1:]
	return slices.Contains(claimsOfMany, strings.ToLower(last))
}

func usableProviderID(id string) bool {
	return len(id) >= 1 && len(id) <= 32 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && id != portal.ProviderPasskey && id != portal.ProviderLocal
}

// checkRequest returns what is wrong with how claims are read and what is asked of the provider.
func (p *Provider) checkRequest() (wrong []portal.Field) {
	note := func(path, msg string) { wrong = append(wrong, portal.Field{Path: path, Code: "malformed", Msg: msg}) }
	for path, name := range map[string]string{"/subjectClaim": p.SubjectClaim, "/nameClaim": p.NameClaim, "/emailClaim": p.EmailClaim, "/groupsClaim": p.GroupsClaim} {
		if !plainText(name, maxClaimName) || strings.TrimSpace(name) != name {
			note(path, "This is not the name of a claim.")
		}
	}
	if ofMany(p.SubjectClaim) {
		note("/subjectClaim", "People can change this claim, or somebody else can get it later: nobody may be known by it.")
	}
	if p.Prompt != "" && !slices.Contains([]string{"login", "consent", "select_account"}, p.Prompt) {
		note("/prompt", `Only "login", "consent" or "select_account".`)
	}
	if p.MaxAge != nil && (*p.MaxAge < 0 || *p.MaxAge > maxMaxAge) {
		note("/maxAge", "Between 0 seconds and 30 days.")
	}
	for path, list := range map[string][]string{"/acrValues": p.ACRValues, "/trustAmr": p.TrustAMR, "/trustAcr": p.TrustACR, "/scopes": p.Scopes} {
		if len(list) > maxScopes || slices.ContainsFunc(list, func(v string) bool {
			return v == "" || len(v) > 256 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' })
		}) {
			note(path, fmt.Sprintf("At most %d values without spaces.", maxScopes))
		}
	}
	return wrong
}

// checkSettings returns everything that is wrong with what an admin entered, by field.
func (p *Provider) checkSettings() (wrong []portal.Field) {
	note := func(path, code, msg string) { wrong = append(wrong, portal.Field{Path: path, Code: code, Msg: msg}) }
	if !usableProviderID(p.ID) {
		note("/id", "malformed", "1 to 32 characters of a-z, 0-9 and '-'.")
	}
	if p.Name == "" || cleanText(p.Name, 64) != p.Name {
		note("/name", "malformed", "1 to 64 printable characters.")
	}
	if err := checkURL(p.Issuer, false); err != nil {
		note("/issuer", "malformed", "A URL that begins with https:// and has no more than host and path.")
	} else if u, err := url.Parse(p.Issuer); err == nil && u.Port() == "0" {
		note("/issuer", "malformed", "There is no port 0.")
	}
	if p.ClientID == "" || !plainText(p.ClientID, 512) {
		note("/clientId", "malformed", "1 to 512 characters.")
	}
	if !plainText(p.ClientSecret.Reveal(), maxSecret) {
		note("/clientSecret", "malformed", "Not a client secret.")
	}
	for path, groups := range map[string][]string{
		"/ownerGroups": p.OwnerGroups, "/adminGroups": p.AdminGroups, "/networkAdminGroups": p.StaffGroups.NetworkAdmin,
		"/helpDeskGroups": p.StaffGroups.HelpDesk, "/auditorGroups": p.StaffGroups.Auditor,
	} {
		if len(groups) > maxMapped || slices.ContainsFunc(groups, func(g string) bool { return !usableGroup(g) }) {
			note(path, "malformed", "At most 100 names of groups, exactly as the provider says them.")
		}
		if len(groups) > 0 && p.GroupsClaim == "" {
			note(path, "needs_groups_claim", "Say which claim has the groups first.")
		}
	}
	if len(p.Domains) > maxDomains || slices.ContainsFunc(p.Domains, func(d string) bool { return d == "" || strings.ContainsAny(d, "@ \t/") || !plainText(d, 253) }) {
		note("/domains", "malformed", "At most 100 mail domains, like example.com.")
	}
	return append(wrong, p.checkRequest()...)
}
