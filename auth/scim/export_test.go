package scim

// Match parses a filter on users and evaluates it on a document of ours, for the twin in the tests.
func Match(filter string, doc map[string]any) (bool, error) {
	e, err := parseFilter(userSchema, filter)
	if err != nil {
		return false, err
	}
	return e.matches(doc), nil
}

// Conform makes a document one of ours.
func Conform(doc map[string]any) (map[string]any, error) {
	v, err := conform(userSchema, doc)
	o, _ := v.(object)
	return o, err
}

// ApplyPath does one operation on a document.
func ApplyPath(op, path string, value any, doc map[string]any) error {
	todo, err := steps(userSchema, []operation{{op, path, value}})
	if err != nil {
		return err
	}
	return userPatch(todo).apply(doc)
}

// GroupPath does one operation on a group.
func GroupPath(op, path string, value any) error {
	_, err := patchGroup([]operation{{op, path, value}})
	return err
}
