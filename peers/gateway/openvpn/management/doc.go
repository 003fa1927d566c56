// Package management speaks the management protocol of openvpn 2.6 (its doc/management-notes.txt) over a unix socket.
//
// It owns the line format: telling messages from replies, putting a client's environment together, quoting, and the limits on all of it. It
// decides nothing: who may connect is package openvpn's. Nothing here starts a process or knows about Sallyport's nouns.
package management
