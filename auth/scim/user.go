package scim

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
)

// newUser reads a User that a directory sends as a whole. Without active it is up to the caller.
func newUser(body any) (object, error) {
	if _, err := fields(body); err != nil {
		return nil, err
	}
	if in := body.(map[string]any); !hasSchema(lookup(in, "schemas"), userURN) {
		return nil, bad(invalidSyntax, "schemas must name %s.", userURN)
	}
	v, err := conform(userSchema, body)
	if err != nil {
		return nil, err
	}
	doc, _ := v.(object)
	return doc, checkUser(doc)
}

func lookup(in map[string]any, name string) any {
	for k, v := range in {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func checkUser(doc object) error {
	if strings.TrimSpace(str(doc, "userName")) == "" {
		return bad(invalidValue, "userName is required.")
	}
	return nil
}

// subjectOf is the subject of the identity that a document gives, "" for none (OpenID Connect Core 1.0, section 2: at most 255 bytes).
func subjectOf(t portal.SCIMToken, doc object) (string, error) {
	name := "externalId"
	if t.Subject == portal.SubjectUserName {
		name = "userName"
	}
	s := str(doc, name)
	if len(s) > 255 || strings.ContainsFunc(s, unicode.IsControl) {
		return "", bad(invalidValue, "%s can't be the subject of an identity.", name)
	}
	return s, nil
}

// nameOf is the best there is to call a person by.
func nameOf(doc object) string {
	name, _ := doc["name"].(object)
	for _, s := range []string{
		str(doc, "displayName"), str(name, "formatted"), str(name, "givenName") + " " + str(name, "familyName"), str(doc, "userName"),
	} {
		if s = oneLine(s, 128); s != "" {
			return s
		}
	}
	return ""
}

// oneLine leaves printable characters and single spaces.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || unicode.IsSpace(r) {
			return r
		}
		return -1
	}, s)), " ")
	if utf8.RuneCountInString(s) > limit {
		s = strings.TrimSpace(string([]rune(s)[:limit]))
	}
	return s
}

// emailOf is the address to show: the primary one, else one of work, else the first; "" when it is none.
func emailOf(doc object) string {
	best, rank := "", 0
	for _, v := range list(doc["emails"]) {
		o, _ := v.(object)
		r := 1
		if strings.EqualFold(str(o, "type"), "work") {
			r = 2
		}
		if o["primary"] == true {
			r = 3
		}
		if r > rank {
			best, rank = str(o, "value"), r
		}
	}
	local, domain, ok := strings.Cut(best, "@")
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`<>"(),;:\@`, r)
	}
	if !ok || local == "" || domain == "" || len(best) > 254 || strings.ContainsFunc(local, odd) || strings.ContainsFunc(domain, odd) {
		return ""
	}
	return best
}

// fill sets what the columns of u hold of a document, and the document.
func fill(u *portal.SCIMUser, doc object) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode SCIM user: %w", err)
	}
	if len(b) > maxDoc {
		return bad(invalidValue, "The user is larger than %d KiB.", maxDoc>>10)
	}
	u.Doc, u.UserName, u.ExternalID = string(b), fold(str(doc, "userName")), str(doc, "externalId")
	return nil
}

// maxDoc bounds what is kept of one person, in bytes.
const maxDoc = 64 << 10

// document reads back what fill wrote.
func document(u portal.SCIMUser) (object, error) {
	doc := object{}
	if err := json.Unmarshal([]byte(u.Doc), &doc); err != nil {
		return nil, fmt.Errorf("read SCIM user %s: %w", u.User, err)
	}
	return doc, nil
}

// userResource is a person as the directory sees them.
func (s *Service) userResource(u portal.SCIMUser) (object, error) {
	o, err := document(u)
	if err != nil {
		return nil, err
	}
	schemas := []any{userURN}
	if _, ok := o[enterpriseURN]; ok {
		schemas = append(schemas, enterpriseURN)
	}
	o["schemas"], o["id"], o["active"] = schemas, string(u.User), u.Active
	o["meta"] = s.meta("User", string(u.User), u.Version, u.CreatedAt, u.ChangedAt)
	return o, nil
}
