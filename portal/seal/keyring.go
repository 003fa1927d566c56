package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The sizes, in bytes. A salt of 16 makes a key of its own for each sealed value, so that no count of values wears a key out
// (NIST SP 800-38D, section 8.3, bounds random nonces to 2^32 for one key).
const (
	KeySize   = 32
	saltSize  = 16
	nonceSize = 12
)

// MaxPlain bounds what can be sealed, in bytes. Keys and seeds are far smaller.
const MaxPlain = 64 << 10

// version begins every sealed value. It is part of what is authenticated.
const version = "v1"

// The errors of Open. They are ours: no caller of the portal sees them.
var (
	ErrUnknownKey = errors.New("seal: the key that this was sealed with is not in the keyring")
	ErrBroken     = errors.New("seal: the value is damaged, or was sealed for another place")
)

// Key is one master key with its name. It does not print.
type Key struct {
	id     string
	secret *[KeySize]byte
}

// NewKey names a master key. id is 1 to 16 characters of a-z, 0-9, '-' and '_'; secret is 32 bytes from a random generator.
func NewKey(id string, secret []byte) (Key, error) {
	if !validID(id) {
		return Key{}, errors.New("seal: a key id is 1 to 16 characters of a-z, 0-9, '-' and '_'")
	}
	if len(secret) != KeySize {
		return Key{}, fmt.Errorf("seal: key %s has %d bytes, want %d", id, len(secret), KeySize)
	}
	return Key{id, (*[KeySize]byte)(append([]byte(nil), secret...))}, nil
}

func validID(id string) bool {
	if len(id) < 1 || len(id) > 16 {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// ID returns the key's name.
func (k Key) ID() string { return k.id }

// Format prints the name and never the key.
func (k Key) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "[master key "+k.id+"]") }

// MarshalText refuses, so that no encoder leaks the key by accident.
func (Key) MarshalText() ([]byte, error) { return nil, errors.New("seal: a master key is not written") }

// Keyring seals with its first key and opens with any of them. To rotate, put a new key first, reseal what Stale names, and drop
// the old one. It is safe for concurrent use.
type Keyring struct {
	seal Key
	open map[string]Key
}

// NewKeyring makes a keyring. At least one key is needed, and no two may share an id.
func NewKeyring(keys ...Key) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no master key")
	}
	r := &Keyring{seal: keys[0], open: make(map[string]Key, len(keys))}
	for _, k := range keys {
		if k.secret == nil {
			return nil, errors.New("seal: a master key is empty")
		}
		if _, twice := r.open[k.id]; twice {
			return nil, fmt.Errorf("seal: two master keys are named %s", k.id)
		}
		r.open[k.id] = k
	}
	return r, nil
}

// Seal encrypts plain for one place, such as "factors/ID": the value opens only for the same place, so that a row can't be pasted
// over another one. The result is printable ASCII: version, key id and body, separated by dots.
func (r *Keyring) Seal(plain []byte, place string) ([]byte, error) {
	if len(plain) > MaxPlain {
		return nil, fmt.Errorf("seal: %d bytes are more than %d", len(plain), MaxPlain)
	}
	body := make([]byte, saltSize+nonceSize, saltSize+nonceSize+len(plain)+16)
	rand.Read(body)
	salt, nonce := body[:saltSize], body[saltSize:]
	aead, err := r.seal.cipher(salt, place)
	if err != nil {
		return nil, err
	}
	head := r.Head()
	body = aead.Seal(body, nonce, plain, []byte(head+place))
	return []byte(head + base64.RawURLEncoding.EncodeToString(body)), nil
}

// Open decrypts what Seal made for the same place. It returns ErrUnknownKey or ErrBroken.
func (r *Keyring) Open(sealed []byte, place string) ([]byte, error) {
	id, body, ok := split(sealed)
	if !ok {
		return nil, ErrBroken
	}
	key, ok := r.open[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) < saltSize+nonceSize {
		return nil, ErrBroken
	}
	aead, err := key.cipher(raw[:saltSize], place)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, raw[saltSize:saltSize+nonceSize], raw[saltSize+nonceSize:], []byte(version+"."+id+"."+place))
	if err != nil {
		return nil, ErrBroken
	}
	return plain, nil
}

// Head is what every value begins with that is sealed with the first key: all others are stale.
func (r *Keyring) Head() string { return version + "." + r.seal.id + "." }

// Stale reports whether sealed should be sealed again: it was sealed with another key than the first.
func (r *Keyring) Stale(sealed []byte) bool {
	id, _, ok := split(sealed)
	return ok && id != r.seal.id
}

func split(sealed []byte) (id, body string, ok bool) {
	v, rest, ok := strings.Cut(string(sealed), ".")
	if !ok || v != version {
		return "", "", false
	}
	id, body, ok = strings.Cut(rest, ".")
	return id, body, ok && validID(id)
}

// cipher derives the key of one value from the master key (HKDF-SHA256, RFC 5869) and returns AES-256-GCM with it.
func (k Key) cipher(salt []byte, place string) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.secret[:], salt, "sallyport seal "+version+" "+place, KeySize)
	if err != nil {
		return nil, fmt.Errorf("seal: derive key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return cipher.NewGCM(block)
}
