// Package authtest stands for what lies outside auth, in tests: an OpenID provider that really signs, checks codes, PKCE and clients, and
// misbehaves on cue; and tunnels that leave a trace in the database. It is imported by tests only.
package authtest
