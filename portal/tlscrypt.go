package portal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"errors"
)

// OpenVPN's tls-crypt-v2 (doc/tls-crypt-v2.txt in its source): each client has a key of its own around the TLS handshake, and carries it to the server
// wrapped with a key that all servers share. Who has none cannot make a server do any work.

// Names of the texts.
const (
	tlsCryptServerPEM = "OpenVPN tls-crypt-v2 server key"
	tlsCryptClientPEM = "OpenVPN tls-crypt-v2 client key"
)

const (
	tlsCryptServerSize = 128  // 64 bytes for the cipher, of which 32 count, and 64 for the HMAC, of which 32 count
	tlsCryptClientSize = 256  // the same for each direction
	tlsCryptMaxWrapped = 1024 // TLS_CRYPT_V2_MAX_WKC_LEN
	tlsCryptUser       = 0x00 // the metadata is the operator's own
)

// NewTLSCryptServer makes the key that servers share, as the text that openvpn reads.
func NewTLSCryptServer() Secret {
	return NewSecretText(string(pem.EncodeToMemory(&pem.Block{Type: tlsCryptServerPEM, Bytes: NewSecret(tlsCryptServerSize)})))
}

// NewTLSCryptClient makes a client's key and wraps it, with metadata that servers can read. It returns the text for the client's file, which is kept
// nowhere: the wrapped key is all that a server needs.
func NewTLSCryptClient(server Secret, metadata string) (Secret, error) {
	block, _ := pem.Decode([]byte(server.Reveal()))
	if block == nil || block.Type != tlsCryptServerPEM || len(block.Bytes) != tlsCryptServerSize {
		return Secret{}, errors.New("not a tls-crypt-v2 server key")
	}
	key := NewSecret(tlsCryptClientSize)
	wrapped, err := wrapTLSCrypt(block.Bytes, key, append([]byte{tlsCryptUser}, metadata...))
	if err != nil {
		return Secret{}, err
	}
	return NewSecretText(string(pem.EncodeToMemory(&pem.Block{Type: tlsCryptClientPEM, Bytes: append(key, wrapped...)}))), nil
}

// wrapTLSCrypt is tag, then the encrypted key and metadata, then the length of all in two bytes. The tag is over the length and the plain text, and its
// first half is the counter block.
func wrapTLSCrypt(server, key, metadata []byte) ([]byte, error) {
	plain := append(append([]byte{}, key...), metadata...)
	size := sha256.Size + len(plain) + 2
	if size > tlsCryptMaxWrapped {
		return nil, errors.New("too much metadata for a tls-crypt-v2 key")
	}
	length := binary.BigEndian.AppendUint16(nil, uint16(size))
	mac := hmac.New(sha256.New, server[64:96])
	mac.Write(length)
	mac.Write(plain)
	tag := mac.Sum(nil)
	block, err := aes.NewCipher(server[:32])
	if err != nil {
		return nil, err
	}
	cipher.NewCTR(block, tag[:aes.BlockSize]).XORKeyStream(plain, plain)
	return append(append(tag, plain...), length...), nil
}
