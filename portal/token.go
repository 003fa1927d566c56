package portal

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// Scopes are the rights that a token is limited to; nil is no limit of its own. A person's token never does more than the person's role.
type Scopes []Right

// Allow reports whether the limit lets a right through.
func (s Scopes) Allow(x Right) bool { return s == nil || slices.Contains(s, x) }

// everyRight is the text of scopes without a limit.
const everyRight = "*"

// String returns the rights with a space between, "*" for no limit. ParseScopes reads it.
func (s Scopes) String() string {
	if s == nil {
		return everyRight
	}
	texts := make([]string, len(s))
	for i, x := range s {
		texts[i] = string(x)
	}
	return strings.Join(texts, " ")
}

// ParseScopes reads what String wrote. A right that is not in the table any more lets nothing through, and no text is a limit to nothing.
func ParseScopes(text string) Scopes {
	if text == everyRight {
		return nil
	}
	scopes := Scopes{}
	for part := range strings.FieldsSeq(text) {
		scopes = append(scopes, Right(part))
	}
	return scopes
}

// tokenSumLen is the length of a token's checksum: four bytes, base64url without padding.
const tokenSumLen = 6

// TokenText is a token as people see it: a prefix, a secret, and a CRC-32 (IEEE) of both. With the checksum a scanner of source code knows a token
// from any other text that begins like one, without asking the portal.
func TokenText(prefix string, secret Secret) Secret {
	text := prefix + secret.Reveal()
	return NewSecretText(text + tokenSum(text))
}

// TokenSecret returns the secret in a token's text, and false for what TokenText did not make with this prefix.
func TokenSecret(prefix, text string) (secret string, ok bool) {
	if len(text) <= len(prefix)+tokenSumLen || !strings.HasPrefix(text, prefix) {
		return "", false
	}
	body, sum := text[:len(text)-tokenSumLen], text[len(text)-tokenSumLen:]
	if tokenSum(body) != sum {
		return "", false
	}
	return body[len(prefix):], true
}

func tokenSum(text string) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}
