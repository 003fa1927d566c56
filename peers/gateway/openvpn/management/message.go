package management

import "time"

// Message is something that openvpn says without having been asked.
type Message interface{ message() }

// Kind is what a Client message is about.
type Kind string

// The kinds of Client messages. A session goes from Connect through Established to Disconnect, with any number of Reauth between.
const (
	Connect     Kind = "CONNECT"
	Reauth      Kind = "REAUTH"
	Established Kind = "ESTABLISHED"
	Disconnect  Kind = "DISCONNECT"
	Response    Kind = "CR_RESPONSE"
)

// Client is about one client: the session CID, and with Connect, Reauth and Response the key KID that is being negotiated. Env is what
// openvpn knows of it. Names that begin with IV_ or UV_ are what the client says of itself; all others are openvpn's own findings.
type Client struct {
	Kind     Kind
	CID, KID uint64
	Response string // base64, with kind Response
	Env      map[string]string
}

// Address says that a client has an address inside the tunnel; a primary one was assigned.
type Address struct {
	CID     uint64
	Address string
	Primary bool
}

// ByteCount is what a client has sent (In) and got (Out) in its session so far.
type ByteCount struct{ CID, In, Out uint64 }

// State is the process's own state, such as CONNECTED or EXITING.
type State struct {
	At   time.Time
	Name string
	Text string // the rest of the line
}

// Log is a line of the process's log. Flags are I, F, N, W, D: information, fatal, non-fatal error, warning, debug.
type Log struct {
	At    time.Time
	Flags string
	Text  string
}

// Hold says that openvpn waits for "hold release" before it begins.
type Hold struct{ Text string }

// Password says that openvpn wants a password, or that one was wrong.
type Password struct{ Text string }

// Fatal is why openvpn ends.
type Fatal struct{ Text string }

// Other is any other message.
type Other struct{ Source, Text string }

func (Client) message()    {}
func (Address) message()   {}
func (ByteCount) message() {}
func (State) message()     {}
func (Log) message()       {}
func (Hold) message()      {}
func (Password) message()  {}
func (Fatal) message()     {}
func (Other) message()     {}
