package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// maxCSR bounds a signing request, in bytes of PEM: one for a key of P-256 has about 400.
const maxCSR = 4 << 10

// What is wrong with a device's signing request. The portal says what stands in a certificate; a request that says something itself is refused
// rather than half believed.
var (
	errCSRText       = portal.Field{Code: "csr_malformed", Msg: "This is not a PKCS #10 signing request in PEM."}
	errCSRKey        = portal.Field{Code: "csr_key", Msg: "The key must be ECDSA on the curve P-256, signed with SHA-256."}
	errCSRSignature  = portal.Field{Code: "csr_signature", Msg: "The request is not signed with its own key."}
	errCSRSubject    = portal.Field{Code: "csr_subject", Msg: "The request names a subject. Leave it empty: the portal says whose certificate it is."}
	errCSRExtensions = portal.Field{Code: "csr_extensions", Msg: "The request asks for extensions. Leave them out: the portal says what the certificate is for."}
)

// csr reads a device's signing request and returns its key.
func (c *check) csr(path, text string) *ecdsa.PublicKey {
	pub, problem := readCSR(text)
	if problem != nil {
		problem.Path = path
		c.fields = append(c.fields, *problem)
		return nil
	}
	return pub
}

var emptyName = []byte{0x30, 0x00} // a sequence of nothing

func readCSR(text string) (*ecdsa.PublicKey, *portal.Field) {
	if len(text) > maxCSR {
		return nil, &portal.Field{Code: "too_long", Msg: "A signing request has at most 4096 bytes."}
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" || strings.TrimSpace(string(rest)) != "" || len(block.Headers) > 0 {
		return nil, field(errCSRText)
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, field(errCSRText)
	}
	pub, ok := req.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok || pub.Curve != elliptic.P256() || req.SignatureAlgorithm != x509.ECDSAWithSHA256:
		return nil, field(errCSRKey) // before the signature: that of a huge RSA key takes long to check
	case req.CheckSignature() != nil:
		return nil, field(errCSRSignature)
	case string(req.RawSubject) != string(emptyName):
		return nil, field(errCSRSubject)
	case len(req.Extensions) > 0 || asksMore(req.RawTBSCertificateRequest):
		return nil, field(errCSRExtensions)
	}
	return pub, nil
}

// asksMore reports whether the request has attributes: extensions, a password, or others.
func asksMore(tbs []byte) bool {
	var r struct {
		Version    int
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		Attributes asn1.RawValue `asn1:"tag:0,optional"`
	}
	rest, err := asn1.Unmarshal(tbs, &r)
	return err != nil || len(rest) > 0 || len(r.Attributes.Bytes) > 0
}

func field(f portal.Field) *portal.Field { return &f }
