// Package peers owns the control side of the tunnels: devices and their addresses, profiles, grants, resources and rules, and the compiler
// that turns them into the objects that gateways follow. Each use case is one transaction: the change, its audit event, its feed objects.
//
// It does not talk to gateways (peers/feed carries the objects, peers/gateway applies them), does not know HTTP (api), and does not
// decide who is asking (auth hands in a portal.Actor). What it does decide is whose devices an actor may see and change.
package peers
