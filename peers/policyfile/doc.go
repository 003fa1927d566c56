// Package policyfile is the form of a whole policy as people keep it in a file: resources, rules, profiles, policy tests and the names of
// groups, in YAML, everything by name.
//
// It knows the form only: what a name means, and whether a value makes sense, is package peers' to say. Read remembers in which line each
// value stands, so that whoever finds it wrong can say where.
package policyfile
