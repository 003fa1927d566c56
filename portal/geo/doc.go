// Package geo tells where an address is, by a database in MaxMind's format that the operator brings (GeoLite2, DB-IP, IPLocate and others).
//
// It owns that file and its reading again when it is replaced. The portal decides nothing by a place: it is shown
// beside the address, so that people notice a session that is not theirs. It imports no other package of the project.
package geo
