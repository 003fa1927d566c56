package feed

import (
	"context"
	"crypto/ecdsa"
	"errors"

	"github.com/sallyport/sallyport/portal"
)

// EnrolRequest is what the pasted command knows.
type EnrolRequest struct {
	Portal    string        // host:port of a portal's listener for gateways
	Token     portal.Secret // as the portal showed it: a secret, and the fingerprint of the portal's authority
	PublicKey portal.PublicKey
	Version   string
}

// Credentials are what a gateway shows to portals: its own key and the certificate for it. The key does not print or marshal.
type Credentials struct {
	Gateway     portal.GatewayID
	Portals     []string // host:port
	Certificate []byte   // DER
	Authority   []byte   // DER
	key         *ecdsa.PrivateKey
}

// Enrol makes a key for mutual TLS on this node, checks by the fingerprint in the token that it talks to the portal that made it, and
// trades the token for a certificate. It returns the portal's *portal.Error when the token is unknown, expired or used.
func Enrol(ctx context.Context, req EnrolRequest) (Credentials, error) {
	return Credentials{}, errors.New("enrol: not possible yet")
}

// ReadCredentials reads the file that WriteFile made. It returns an error that is fs.ErrNotExist when there is none.
func ReadCredentials(path string) (Credentials, error) {
	return Credentials{}, errors.New("read credentials: not possible yet")
}

// WriteFile keeps the credentials in one file with mode 0600, replaced in one step.
func (c Credentials) WriteFile(path string) error {
	return errors.New("write credentials: not possible yet")
}
