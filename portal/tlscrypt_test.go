package portal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

// unwrapTLSCrypt does what a server does with the wrapped key that a client brings.
func unwrapTLSCrypt(server, wrapped []byte) (key, metadata []byte, err error) {
	if len(wrapped) < sha256.Size+tlsCryptClientSize+2 || int(binary.BigEndian.Uint16(wrapped[len(wrapped)-2:])) != len(wrapped) {
		return nil, nil, errors.New("wrong length")
	}
	tag, body, length := wrapped[:sha256.Size], wrapped[sha256.Size:len(wrapped)-2], wrapped[len(wrapped)-2:]
	block, err := aes.NewCipher(server[:32])
	if err != nil {
		return nil, nil, err
	}
	plain := make([]byte, len(body))
	cipher.NewCTR(block, tag[:aes.BlockSize]).XORKeyStream(plain, body)
	mac := hmac.New(sha256.New, server[64:96])
	mac.Write(length)
	mac.Write(plain)
	if !hmac.Equal(mac.Sum(nil), tag) {
		return nil, nil, errors.New("wrong tag")
	}
	return plain[:tlsCryptClientSize], plain[tlsCryptClientSize:], nil
}

// Package openvpn of the gateway shows that the real openvpn takes these keys; this shows what is in them.
func TestServerUnwrapsAClientsKey(t *testing.T) {
	server := NewTLSCryptServer()
	client, err := NewTLSCryptClient(server, "device-7")
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode([]byte(client.Reveal()))
	if block == nil || block.Type != tlsCryptClientPEM || strings.TrimSpace(string(rest)) != "" {
		t.Fatalf("the client's text is not one PEM block of its kind")
	}
	own, wrapped := block.Bytes[:tlsCryptClientSize], block.Bytes[tlsCryptClientSize:]
	serverBlock, _ := pem.Decode([]byte(server.Reveal()))
	key, metadata, err := unwrapTLSCrypt(serverBlock.Bytes, wrapped)
	if err != nil || string(key) != string(own) || string(metadata) != "\x00device-7" {
		t.Errorf("unwrapped: key equal %v, metadata %q, %v", string(key) == string(own), metadata, err)
	}
	otherBlock, _ := pem.Decode([]byte(NewTLSCryptServer().Reveal()))
	if _, _, err := unwrapTLSCrypt(otherBlock.Bytes, wrapped); err == nil {
		t.Error("another server's key unwraps it")
	}
	for _, bad := range []Secret{{}, client, NewSecretText("text")} {
		if _, err := NewTLSCryptClient(bad, "x"); err == nil {
			t.Error("what is not a server's key wraps a client's")
		}
	}
	if _, err := NewTLSCryptClient(server, strings.Repeat("x", 800)); err == nil {
		t.Error("metadata of any length is wrapped")
	}
}

func TestFingerprintsAreReadStrictly(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 4)
	id, err := ParseCertificateID(text)
	if err != nil || id.String() != text || id.IsZero() {
		t.Errorf("%s, %v", id, err)
	}
	for _, bad := range []string{"", text[:62], text + "00", strings.Repeat("g", 64)} {
		if _, err := ParseCertificateID(bad); !errors.Is(err, ErrCertificateID) {
			t.Errorf("%q: %v, want ErrCertificateID", bad, err)
		}
	}
	var c CertificateID
	if b, err := c.MarshalText(); err != nil || b != nil || c.UnmarshalText(nil) != nil || !c.IsZero() {
		t.Error("no certificate is not the empty text")
	}
}
