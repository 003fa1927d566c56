package portal

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// PublicKey is a WireGuard (X25519, RFC 7748) public key. Its text form is the 44 characters of base64 that wg(8) prints.
type PublicKey [32]byte

// ErrPublicKey says that a key is malformed or of low order.
var ErrPublicKey = &Error{Kind: Invalid, Code: "public_key", Msg: "This is not a usable WireGuard public key."}

// ParsePublicKey reads the text form. It refuses everything that is not exactly 32 bytes in canonical base64, the all-zero key,
// and points of low order, with which the shared secret would be known to everyone (RFC 7748, section 6.1).
func ParsePublicKey(s string) (PublicKey, error) {
	var k PublicKey
	if len(s) != 44 {
		return k, ErrPublicKey
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(k) {
		return k, ErrPublicKey
	}
	copy(k[:], b)
	if k.lowOrder() {
		return PublicKey{}, ErrPublicKey
	}
	return k, nil
}

// lowOrder reports whether the key is one of the points whose order divides 8, in any of their encodings. A table, because a gateway reads
// tens of thousands of keys at its start and trying a key agreement with each would take it seconds; a test tries them.
func (k PublicKey) lowOrder() bool {
	k[31] &= 0x7f // X25519 ignores the highest bit (RFC 7748, section 5)
	return lowOrderKeys[k]
}

// lowOrderKeys are 0, 1, the two points of order 8, and p-1, p and p+1, little endian (https://cr.yp.to/ecdh.html, "validate").
var lowOrderKeys = func() map[PublicKey]bool {
	keys := map[PublicKey]bool{}
	for _, text := range []string{
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=",
		"X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=",
		"7P///////////////////////////////////////38=",
		"7f///////////////////////////////////////38=",
		"7v///////////////////////////////////////38=",
	} {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			panic(err) // a literal above
		}
		keys[PublicKey(b)] = true
	}
	return keys
}()

func (k PublicKey) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// IsZero reports whether no key is set.
func (k PublicKey) IsZero() bool { return k == PublicKey{} }

// MarshalText returns the base64 form, and nothing for the zero key.
func (k PublicKey) MarshalText() ([]byte, error) {
	if k.IsZero() {
		return nil, nil
	}
	return []byte(k.String()), nil
}

// UnmarshalText is ParsePublicKey, with the empty text for the zero key.
func (k *PublicKey) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*k = PublicKey{}
		return nil
	}
	p, err := ParsePublicKey(string(b))
	if err != nil {
		return err
	}
	*k = p
	return nil
}

// PrivateKey is a WireGuard private key. It does not print, log or marshal: only Reveal gives its text.
// The pointer inside is there because fmt cannot call Format on an unexported field of another struct.
type PrivateKey struct{ b *[32]byte }

// NewPrivateKey makes a key from the system's generator, clamped as RFC 7748 says.
func NewPrivateKey() (PrivateKey, error) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("make WireGuard key: %w", err)
	}
	var b [32]byte
	copy(b[:], k.Bytes())
	b[0] &= 248
	b[31] = b[31]&127 | 64
	return PrivateKey{&b}, nil
}

// ParsePrivateKey reads the base64 form that wg(8) prints.
func ParsePrivateKey(s string) (PrivateKey, error) {
	d, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(d) != 32 {
		return PrivateKey{}, errors.New("private key: not 32 bytes of base64")
	}
	return PrivateKey{(*[32]byte)(d)}, nil
}

// Public returns the matching public key, and the zero key when there is no private one.
func (k PrivateKey) Public() PublicKey {
	if k.b == nil {
		return PublicKey{}
	}
	priv, err := ecdh.X25519().NewPrivateKey(k.b[:])
	if err != nil {
		return PublicKey{}
	}
	return PublicKey(priv.PublicKey().Bytes())
}

// Bytes returns the raw key, for the one line that hands it to the kernel.
func (k PrivateKey) Bytes() [32]byte {
	if k.b == nil {
		return [32]byte{}
	}
	return *k.b
}

// Reveal returns the base64 form, for the file that keeps it.
func (k PrivateKey) Reveal() string {
	if k.b == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(k.b[:])
}

// IsZero reports whether no key is set.
func (k PrivateKey) IsZero() bool { return k.b == nil }

// Format prints a placeholder for every verb.
func (PrivateKey) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "[private key]") }

// MarshalText refuses, so that no encoder leaks the key by accident.
func (PrivateKey) MarshalText() ([]byte, error) { return nil, errors.New("private key: use Reveal") }

// Secret is text that must not reach a log: a TOTP seed, a token, a client secret.
type Secret struct{ s *string }

// NewSecretText wraps s.
func NewSecretText(s string) Secret { return Secret{&s} }

// Reveal returns the text, for the one line that needs it.
func (s Secret) Reveal() string {
	if s.s == nil {
		return ""
	}
	return *s.s
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.s == nil || *s.s == "" }

// Format prints a placeholder for every verb.
func (Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "[secret]") }

// MarshalText refuses, so that no encoder leaks the text by accident.
func (Secret) MarshalText() ([]byte, error) { return nil, errors.New("secret: use Reveal") }
