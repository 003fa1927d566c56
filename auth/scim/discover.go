package scim

import (
	"net/http"
	"strings"
)

// discover answers what a directory may ask about the service itself (RFC 7644, section 4).
func (s *Service) discover(c call, collection string) (answer, error) {
	if c.Method != http.MethodGet {
		return answer{}, errMethod
	}
	if c.query.Get("filter") != "" {
		return answer{}, &Error{http.StatusForbidden, "", "Discovery is not filtered."} // RFC 7644, section 4
	}
	var all []object
	switch collection {
	case "ServiceProviderConfig":
		if c.id != "" {
			return answer{}, errNotFound
		}
		return answer{status: http.StatusOK, body: s.config()}, nil
	case "ResourceTypes":
		all = []object{s.resourceType(userSchema, true), s.resourceType(groupSchema, false)}
	case "Schemas":
		all = []object{s.schema(userURN, userSchema), s.schema(groupURN, groupSchema), s.schema(enterpriseURN, userSchema.sub(enterpriseURN))}
	}
	if c.id == "" {
		return answer{status: http.StatusOK, body: page{start: 1}.listed(len(all), all)}, nil
	}
	for _, o := range all {
		if strings.EqualFold(str(o, "id"), c.id) {
			return answer{status: http.StatusOK, body: o}, nil
		}
	}
	return answer{}, errNotFound
}

func (s *Service) config() object {
	supported := func(yes bool) object { return object{"supported": yes} }
	return object{
		"schemas": []string{configURN}, "patch": supported(true), "changePassword": supported(false), "sort": supported(false), "etag": supported(true),
		"bulk":   object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": object{"supported": true, "maxResults": maxPage},
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "Bearer token", "primary": true,
			"description": "A token that `sallyport scim token new` made, in the Authorization header (RFC 6750).",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": s.Public + Path + "/ServiceProviderConfig"},
	}
}

func (s *Service) resourceType(root *attr, extended bool) object {
	o := object{
		"schemas": []string{typeURN}, "id": root.name, "name": root.name, "endpoint": "/" + root.name + "s", "description": root.about, "schema": urnOf(root),
		"meta": object{"resourceType": "ResourceType", "location": s.Public + Path + "/ResourceTypes/" + root.name},
	}
	if extended {
		o["schemaExtensions"] = []object{{"schema": enterpriseURN, "required": false}}
	}
	return o
}

func (s *Service) schema(urn string, root *attr) object {
	var attributes []object
	for _, a := range root.subs {
		if a.name == enterpriseURN || a.name == "schemas" || a.name == "meta" || a.name == "id" || a.name == "externalId" {
			continue // common to all, or a schema of its own
		}
		attributes = append(attributes, a.describe())
	}
	name := root.name
	if urn == enterpriseURN {
		name = "EnterpriseUser"
	}
	return object{
		"schemas": []string{schemaURN}, "id": urn, "name": name, "description": root.about, "attributes": attributes,
		"meta": object{"resourceType": "Schema", "location": s.Public + Path + "/Schemas/" + urn},
	}
}

// describe is the attribute in the terms of RFC 7643, section 7.
func (a *attr) describe() object {
	write, unique := "readWrite", "none"
	if a.readOnly {
		write = "readOnly"
	}
	if a.unique != "" {
		unique = a.unique
	}
	o := object{
		"name": a.name, "type": string(a.kind), "multiValued": a.multi, "description": a.about, "required": a.required, "mutability": write,
		"returned": "default", "uniqueness": unique, "caseExact": a.exact,
	}
	if a.kind == reference {
		o["referenceTypes"] = []string{"external"}
	}
	if len(a.subs) > 0 {
		var subs []object
		for _, s := range a.subs {
			subs = append(subs, s.describe())
		}
		o["subAttributes"] = subs
	}
	return o
}
