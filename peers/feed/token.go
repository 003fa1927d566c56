package feed

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// Token enrols one gateway, once. It carries a secret of 256 bits and the fingerprint of the portal's authority, so that the node knows
// whom it talks to before it trusts anything.
type Token struct {
	secret [32]byte
	pin    [32]byte
}

// tokenPrefix makes tokens recognizable to people and to secret scanners.
const tokenPrefix = "sallyport_gw1_"

// ErrToken says that a text is no token, or not one of this portal.
var ErrToken = &portal.Error{Kind: portal.Unauthenticated, Code: "enrol_token", Msg: "This is not an enrolment token of this portal. Copy it again, whole."}

// NewToken makes a token with a new secret. authority is the portal's certificate authority, in DER.
func NewToken(authority []byte) Token {
	return Token{[32]byte(portal.NewSecret(32)), sha256.Sum256(authority)}
}

// ParseToken reads the text form. It returns ErrToken.
func ParseToken(text portal.Secret) (Token, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text.Reveal()), tokenPrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(64) {
		return Token{}, ErrToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return Token{}, ErrToken
	}
	return Token{[32]byte(b[:32]), [32]byte(b[32:])}, nil
}

// Text returns the form that people copy.
func (t Token) Text() portal.Secret {
	return portal.NewSecretText(tokenPrefix + base64.RawURLEncoding.EncodeToString(append(t.secret[:], t.pin[:]...)))
}

// Hash is what the portal keeps of the token: hex of the SHA-256 of its secret.
func (t Token) Hash() string {
	sum := sha256.Sum256(t.secret[:])
	return hex.EncodeToString(sum[:])
}

// IsFrom reports whether the token was made by the portal with this authority, in DER.
func (t Token) IsFrom(authority []byte) bool {
	sum := sha256.Sum256(authority)
	return subtle.ConstantTimeCompare(sum[:], t.pin[:]) == 1
}

// Format prints a placeholder for every verb.
func (Token) Format(w fmt.State, _ rune) { _, _ = w.Write([]byte("[enrolment token]")) }
