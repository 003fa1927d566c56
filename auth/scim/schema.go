package scim

import "strings"

// The URNs of RFC 7643, section 10.3, and of RFC 7644, section 8.2.
const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	messageURN    = "urn:ietf:params:scim:api:messages:2.0:"
	configURN     = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	typeURN       = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaURN     = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// kind is the type of an attribute (RFC 7643, section 2.3), as far as we have them.
type kind string

const (
	text      kind = "string"
	boolean   kind = "boolean"
	moment    kind = "dateTime"
	reference kind = "reference"
	compound  kind = "complex"
)

// attr is one attribute of a schema (RFC 7643, section 7).
type attr struct {
	name     string
	kind     kind
	multi    bool
	exact    bool // caseExact
	readOnly bool
	required bool
	unique   string // "server", or "" for none
	subs     []*attr
	about    string
}

// sub finds a sub-attribute; names are compared without regard to case (RFC 7643, section 2.1).
func (a *attr) sub(name string) *attr {
	for _, s := range a.subs {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

func words(about string, names ...string) (all []*attr) {
	for _, n := range names {
		all = append(all, &attr{name: n, kind: text, about: about})
	}
	return all
}

// plural is a multi-valued attribute with the usual sub-attributes (RFC 7643, section 2.4).
func plural(name, about string) *attr {
	return &attr{name: name, kind: compound, multi: true, about: about, subs: append(
		words(about, "value", "display", "type"), &attr{name: "primary", kind: boolean, about: "At most one is."})}
}

// common are the attributes of every resource (RFC 7643, section 3.1).
func common() []*attr {
	return []*attr{
		{name: "schemas", kind: reference, multi: true, exact: true, readOnly: true, about: "The URNs of what is in here."},
		{name: "id", kind: text, exact: true, readOnly: true, unique: "server", about: "Given by the portal."},
		{name: "externalId", kind: text, exact: true, about: "Given by the directory."},
		{name: "meta", kind: compound, readOnly: true, about: "What the portal knows of the resource.", subs: []*attr{
			{name: "resourceType", kind: text, exact: true, readOnly: true, about: "User or Group."},
			{name: "created", kind: moment, readOnly: true, about: "When the directory made it."},
			{name: "lastModified", kind: moment, readOnly: true, about: "When it last changed."},
			{name: "location", kind: reference, exact: true, readOnly: true, about: "Its URL."},
			{name: "version", kind: text, exact: true, readOnly: true, about: "Its entity tag."},
		}},
	}
}

// userSchema and groupSchema are complex attributes that stand for a whole resource.
var (
	userSchema = &attr{name: "User", kind: compound, about: "A person.", subs: append(common(), append([]*attr{
		{name: "userName", kind: text, required: true, unique: "server", about: "What the directory calls the account."},
		{name: "name", kind: compound, about: "The person's name.", subs: words("A part of the name.",
			"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")},
		{name: "active", kind: boolean, about: "false ends sessions, tokens and tunnels at once."},
		plural("emails", "Addresses, for display. People are never matched by them."),
		plural("phoneNumbers", "Telephone numbers."),
		plural("roles", "Roles in the directory; the portal's own are not among them."),
		{name: "addresses", kind: compound, multi: true, about: "Postal addresses.", subs: append(
			words("A part of the address.", "formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"),
			&attr{name: "primary", kind: boolean, about: "At most one is."})},
		{name: enterpriseURN, kind: compound, about: "The enterprise extension.", subs: append(
			words("A fact of the person's work.", "employeeNumber", "costCenter", "organization", "division", "department"),
			&attr{name: "manager", kind: compound, about: "Who the person reports to.", subs: words("Of the manager.", "value", "$ref", "displayName")})},
	}, words("A fact about the person.", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone")...)...)}

	groupSchema = &attr{name: "Group", kind: compound, about: "A group of people.", subs: append(common(),
		&attr{name: "displayName", kind: text, required: true, unique: "server", about: "The group's name; rules and claims use it too."},
		&attr{name: "members", kind: compound, multi: true, about: "The people whom this directory put into the group.", subs: []*attr{
			{name: "value", kind: text, exact: true, about: "The id of a User."},
			{name: "$ref", kind: reference, exact: true, readOnly: true, about: "The URL of the User."},
			{name: "display", kind: text, readOnly: true, about: "The person's name."},
			{name: "type", kind: text, readOnly: true, about: "Always User."},
		}})}
)

// urnOf is the URN of the schema that a root attribute stands for.
func urnOf(root *attr) string {
	if root == groupSchema {
		return groupURN
	}
	return userURN
}
