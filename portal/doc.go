// Package portal holds the nouns of Sallyport: people, devices, profiles, rules, gateways, grants, their ids, keys and
// errors, and the pure decisions on them (which routes a profile gives, which objects a gateway should run).
//
// It does no I/O and imports the standard library only, so that the portal, the gateway agent and every test can share it.
// SQL lives in portal/store, HTTP in api, who may do what in auth, what a gateway is told in peers.
package portal
