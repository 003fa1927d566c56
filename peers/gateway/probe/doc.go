// Package probe tries a destination with the machine's own sockets: one TCP connect that is closed at once, or three echoes. It sends no
// data, and counts the packets that went out and came back.
//
// It does not decide what may be tried; the agent (peers/gateway) does, before it calls.
package probe
