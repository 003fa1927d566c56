// Package posture owns what a device's state means: facts and where they are from, versions, the rules that policy is written in, and the
// verdict over both. It also owns the signed report by which a device tells its facts, and the bookkeeping that finds copies of one.
//
// Everything here is pure and takes the time as an argument. It reads no device (cmd/sallyport-posture), keeps nothing (portal/store),
// and does not decide who may report or what follows at the gateways (peers). The program on the device links it, so it has no more in it
// than the standard library and package portal.
package posture
