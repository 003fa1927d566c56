package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Authenticator is a passkey in software, with one credential, which does what WebAuthn asks and misbehaves on cue.
type Authenticator struct {
	Origin     string // of the page that asks, "https://vpn.example.com"
	Count      uint32 // signature counter; rises by one with each signature unless it is 0 and Counting is false
	Counting   bool
	Unverified bool // it does not verify its person
	Synced     bool // backup eligible, and backed up
	Handle     []byte

	rpID string
	id   []byte
	key  *ecdsa.PrivateKey
}

// Flags of authenticator data (WebAuthn Level 3, section 6.1).
const (
	flagUP = 1 << 0
	flagUV = 1 << 2
	flagBE = 1 << 3
	flagBS = 1 << 4
	flagAT = 1 << 6
)

// Create answers navigator.credentials.create(): it makes the credential.
func (a *Authenticator) Create(t testing.TB, options []byte) []byte {
	t.Helper()
	var o struct {
		Challenge string
		RP        struct{ ID string }
		User      struct{ ID string }
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.id, a.rpID = make([]byte, 16), o.RP.ID
	_, _ = rand.Read(a.id)
	if a.Handle, err = base64.RawURLEncoding.DecodeString(o.User.ID); err != nil {
		t.Fatal(err)
	}
	data := a.data(flagAT)
	data = append(data, make([]byte, 16)...) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), a.cose(t)...)
	object := cborMap(3)
	object = append(append(object, cborText("fmt")...), cborText("none")...)
	object = append(append(object, cborText("attStmt")...), cborMap(0)...)
	object = append(append(object, cborText("authData")...), cborBytes(data)...)
	return a.answer(t, map[string]any{
		"clientDataJSON": a.clientData(t, "webauthn.create", o.Challenge), "attestationObject": text(object), "transports": []string{"internal"},
	})
}

// Get answers navigator.credentials.get(): it signs.
func (a *Authenticator) Get(t testing.TB, options []byte) []byte {
	t.Helper()
	var o struct {
		Challenge string
		RPID      string `json:"rpId"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	if a.rpID = o.RPID; a.Counting {
		a.Count++
	}
	data, client := a.data(0), a.clientData(t, "webauthn.get", o.Challenge)
	raw, err := base64.RawURLEncoding.DecodeString(client)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(raw)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return a.answer(t, map[string]any{
		"clientDataJSON": client, "authenticatorData": text(data), "signature": text(sig), "userHandle": text(a.Handle),
	})
}

func (a *Authenticator) answer(t testing.TB, response map[string]any) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"id": text(a.id), "rawId": text(a.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": response,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (a *Authenticator) clientData(t testing.TB, kind, challenge string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return text(b)
}

func (a *Authenticator) data(flags byte) []byte {
	flags |= flagUP
	if !a.Unverified {
		flags |= flagUV
	}
	if a.Synced {
		flags |= flagBE | flagBS
	}
	hash := sha256.Sum256([]byte(a.rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.Count)
}

// cose is the public key as a COSE_Key: EC2, ES256, P-256 (RFC 9053, section 7.1.1).
func (a *Authenticator) cose(t testing.TB) []byte {
	t.Helper()
	point, err := a.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	b := append(cborMap(5), 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21)
	b = append(b, cborBytes(point[1:33])...)
	return append(append(b, 0x22), cborBytes(point[33:])...)
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// As much of CBOR (RFC 8949) as an attestation object needs.
func cborMap(n int) []byte { return []byte{0xa0 | byte(n)} }

func cborText(s string) []byte { return append([]byte{0x60 | byte(len(s))}, s...) } // shorter than 24

func cborBytes(b []byte) []byte {
	if len(b) < 256 {
		return append([]byte{0x58, byte(len(b))}, b...)
	}
	return append(binary.BigEndian.AppendUint16([]byte{0x59}, uint16(len(b))), b...)
}
