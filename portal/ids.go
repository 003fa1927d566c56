package portal

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Ids are UUIDv7 in their 36-character text form (RFC 9562): unique, sortable by the time they were minted, and opaque to clients.
type (
	UserID       string
	GroupID      string
	DeviceID     string
	ProfileID    string
	PoolID       string
	ResourceID   string
	RuleID       string
	PolicyTestID string
	RequestID    string
	PoPID        string
	GatewayID    string
	SessionID    string
	FactorID     string
	TokenID      string
	SignatureID  string // not a UUID: the hash of the rule ids that it stands for
)

// NewID mints a UUIDv7 for now. Random bits come from the system's generator.
func NewID[T ~string](now time.Time) T {
	var b [16]byte
	rand.Read(b[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return T(s[:])
}

// NewSecret returns n random bytes for tokens and cookies. It never fails: the system's generator ends the process when it cannot serve.
func NewSecret(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
