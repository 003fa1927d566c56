package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// secretSize is the size of what a browser or a program keeps, in bytes: 256 bits can't be guessed, so a plain hash protects the copy
// in the database.
const secretSize = 32

// secretLen is the length of its text, base64url without padding.
const secretLen = 43

func newSecret() portal.Secret {
	return portal.NewSecretText(base64.RawURLEncoding.EncodeToString(portal.NewSecret(secretSize)))
}

// hashSecret is how a secret is kept: SHA-256 over what it is for and its text, in hex. ok is false for what can't be a secret of ours.
func hashSecret(use, text string) (hash string, ok bool) {
	if len(text) != secretLen {
		return "", false
	}
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(text); err != nil || len(raw) != secretSize {
		return "", false
	}
	return digest(use, text), true
}

// digest is the SHA-256 of its parts in hex. The parts must not hold the separator, a zero byte.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte("sallyport\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// What the secrets are for.
const (
	forSession = "session"
	forFlow    = "flow"
	forToken   = "token"
	forService = "service"
)

// tokenType is "typ" in the header of a token, "" when it has none or is no token. Nothing of it is checked.
func tokenType(token string) string {
	first, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	var header struct {
		Type string `json:"typ"`
	}
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return ""
	}
	return header.Type
}

// flowSecrets are the values of one sign-in that only this browser and the provider see.
type flowSecrets struct {
	state, nonce, verifier string
}

// deriveFlow makes state, nonce and PKCE verifier from the browser's secret (HKDF-SHA256, RFC 5869), so that the portal keeps none of
// them: 43 characters of 256 bits each, as RFC 7636 section 4.1 wants of a verifier.
func deriveFlow(flow string) (flowSecrets, error) {
	var f flowSecrets
	for _, v := range []struct {
		name string
		into *string
	}{{"state", &f.state}, {"nonce", &f.nonce}, {"verifier", &f.verifier}} {
		b, err := hkdf.Key(sha256.New, []byte(flow), nil, "sallyport sign-in "+v.name, secretSize)
		if err != nil {
			return flowSecrets{}, err
		}
		*v.into = base64.RawURLEncoding.EncodeToString(b)
	}
	return f, nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// BearerToken returns the token of an Authorization header (RFC 6750, section 2.1), and false when there is none in it.
func BearerToken(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = strings.Trim(token, " ")
	if token == "" || len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", false
	}
	return token, true
}
