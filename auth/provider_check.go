package auth

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

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

// Check returns everything that is wrong with the fields, or nil, in the words of the configuration file.
func (p *Provider) Check() error {
	var errs []error
	for _, f := range p.wrong() {
		errs = append(errs, fmt.Errorf("provider %q: %s: %s", p.ID, inFile(f.Path), f.Msg))
	}
	if p.Skew < 0 || p.Skew > 10*time.Minute {
		errs = append(errs, fmt.Errorf("provider %q: clock skew is at most 10 minutes", p.ID))
	}
	return errors.Join(errs...)
}

// inFile is the name of a field in the configuration file: "/clientId" is "client_id".
func inFile(path string) string {
	var b strings.Builder
	for _, r := range strings.TrimPrefix(path, "/") {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// wrong returns everything that is wrong with a provider, by field, whoever entered it: an admin or the operator.
func (p *Provider) wrong() []portal.Field {
	w := &wrongs{}
	p.checkClient(w)
	p.checkClaims(w)
	p.checkPeople(w)
	p.checkRequest(w)
	return w.fields
}

type wrongs struct{ fields []portal.Field }

func (w *wrongs) note(is bool, path, msg string) {
	if is {
		w.fields = append(w.fields, portal.Field{Path: path, Code: "malformed", Msg: msg})
	}
}

func (p *Provider) checkClient(w *wrongs) {
	w.note(!usableProviderID(p.ID), "/id", `1 to 32 characters of a-z, 0-9 and "-", and not "passkey" or "local".`)
	w.note(p.Name == "" || cleanText(p.Name, 64) != p.Name, "/name", "1 to 64 printable characters.")
	u, err := url.Parse(p.Issuer)
	w.note(checkURL(p.Issuer, p.AllowHTTP) != nil, "/issuer", "A URL that begins with https:// and has no more than host and path.")
	w.note(err == nil && u.Port() == "0", "/issuer", "There is no port 0.")
	w.note(p.ClientID == "" || !plainText(p.ClientID, 512), "/clientId", "1 to 512 characters.")
	w.note(!plainText(p.ClientSecret.Reveal(), maxSecret), "/clientSecret", "Not a client secret.")
}

// checkClaims is about how claims are read.
func (p *Provider) checkClaims(w *wrongs) {
	claims := []struct{ path, name string }{
		{"/subjectClaim", p.SubjectClaim}, {"/nameClaim", p.NameClaim}, {"/emailClaim", p.EmailClaim}, {"/groupsClaim", p.GroupsClaim},
	}
	for _, c := range claims {
		w.note(!plainText(c.name, maxClaimName) || strings.TrimSpace(c.name) != c.name, c.path, "This is not the name of a claim.")
	}
	w.note(ofMany(p.SubjectClaim), "/subjectClaim", "People can change this claim, or somebody else can get it later: nobody may be known by it.")
}

// checkPeople is about who gets in, and as what.
func (p *Provider) checkPeople(w *wrongs) {
	roles := []struct {
		path   string
		groups []string
	}{
		{"/ownerGroups", p.OwnerGroups},
		{"/adminGroups", p.AdminGroups},
		{"/networkAdminGroups", p.StaffGroups.NetworkAdmin},
		{"/helpDeskGroups", p.StaffGroups.HelpDesk},
		{"/auditorGroups", p.StaffGroups.Auditor},
	}
	for _, r := range roles {
		unusable := slices.ContainsFunc(r.groups, func(g string) bool { return !usableGroup(g) })
		w.note(len(r.groups) > maxMapped || unusable, r.path, "At most 100 names of groups, exactly as the provider says them.")
		if len(r.groups) > 0 && p.GroupsClaim == "" {
			w.fields = append(w.fields, portal.Field{Path: r.path, Code: "needs_groups_claim", Msg: "Say which claim has the groups first."})
		}
	}
	no := func(d string) bool { return d == "" || strings.ContainsAny(d, "@ \t/") || !plainText(d, 253) }
	w.note(len(p.Domains) > maxDomains || slices.ContainsFunc(p.Domains, no), "/domains", "At most 100 mail domains, like example.com.")
}

// checkRequest is about what is asked of the provider, and what its word is worth.
func (p *Provider) checkRequest(w *wrongs) {
	w.note(p.Prompt != "" && !slices.Contains([]string{"login", "consent", "select_account"}, p.Prompt), "/prompt", `Only "login", "consent" or "select_account".`)
	w.note(p.MaxAge != nil && (*p.MaxAge < 0 || *p.MaxAge > maxMaxAge), "/maxAge", "Between 0 seconds and 30 days.")
	lists := []struct {
		path   string
		values []string
	}{{"/scopes", p.Scopes}, {"/acrValues", p.ACRValues}, {"/trustAmr", p.TrustAMR}, {"/trustAcr", p.TrustACR}}
	for _, l := range lists {
		unusable := slices.ContainsFunc(l.values, func(v string) bool {
			return v == "" || len(v) > 256 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' })
		})
		w.note(len(l.values) > maxScopes || unusable, l.path, fmt.Sprintf("At most %d values without spaces.", maxScopes))
	}
}
