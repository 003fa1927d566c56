package peers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"
)

func requestPEM(t testing.TB, template *x509.CertificateRequest, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestOnlyARequestThatSaysNothingButItsKeyIsTaken(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	good := requestPEM(t, &x509.CertificateRequest{}, key)
	if pub, problem := readCSR(good); problem != nil || !pub.Equal(&key.PublicKey) {
		t.Fatalf("a good request: %v", problem)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(good))
	forged := append([]byte{}, block.Bytes...)
	forged[len(forged)-1] ^= 1
	named := func(name string) *x509.CertificateRequest {
		return &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
	}
	for name, c := range map[string]struct{ text, code string }{
		"nothing":                   {"", "csr_malformed"},
		"text":                      {"a certificate, please", "csr_malformed"},
		"a certificate":             {strings.ReplaceAll(good, "CERTIFICATE REQUEST", "CERTIFICATE"), "csr_malformed"},
		"two requests":              {good + good, "csr_malformed"},
		"half of one":               {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: block.Bytes[:80]})), "csr_malformed"},
		"bytes behind it":           {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: append(append([]byte{}, block.Bytes...), 0)})), "csr_malformed"},
		"far too long":              {good + strings.Repeat(" ", maxCSR), "too_long"},
		"RSA":                       {requestPEM(t, &x509.CertificateRequest{}, rsaKey), "csr_key"},
		"P-384":                     {requestPEM(t, &x509.CertificateRequest{}, ecKey(t, elliptic.P384())), "csr_key"},
		"SHA-512":                   {requestPEM(t, &x509.CertificateRequest{SignatureAlgorithm: x509.ECDSAWithSHA512}, key), "csr_key"},
		"another's signature":       {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: forged})), "csr_signature"},
		"a name":                    {requestPEM(t, named("laptop"), key), "csr_subject"},
		"a gateway's name":          {requestPEM(t, named("gateway.sallyport.internal"), key), "csr_subject"},
		"an organization":           {requestPEM(t, &x509.CertificateRequest{Subject: pkix.Name{Organization: []string{"x"}}}, key), "csr_subject"},
		"a name of a host":          {requestPEM(t, &x509.CertificateRequest{DNSNames: []string{"gateway.sallyport.internal"}}, key), "csr_extensions"},
		"to be an authority itself": {requestPEM(t, &x509.CertificateRequest{ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}}, key), "csr_extensions"},
	} {
		if pub, problem := readCSR(c.text); pub != nil || problem == nil || problem.Code != c.code {
			t.Errorf("%s: %+v, want %s", name, problem, c.code)
		}
	}
}

// FuzzReadCSR checks that what is taken is a key of P-256 and that nothing else comes with it.
func FuzzReadCSR(f *testing.F) {
	f.Add(requestPEM(f, &x509.CertificateRequest{}, ecKey(f, elliptic.P256())))
	f.Add(requestPEM(f, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"y"}}, ecKey(f, elliptic.P256())))
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		pub, problem := readCSR(text)
		if (pub == nil) == (problem == nil) {
			t.Fatalf("key %v and problem %v", pub, problem)
		}
		if problem != nil {
			return
		}
		block, _ := pem.Decode([]byte(text))
		req, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || req.Subject.String() != "" || len(req.Extensions) > 0 || pub.Curve != elliptic.P256() || req.CheckSignature() != nil {
			t.Errorf("taken: %+v, %v", req, err)
		}
	})
}

// FuzzParseChain checks that a chain is read whole or not at all.
func FuzzParseChain(f *testing.F) {
	key := ecKey(f, elliptic.P256())
	template := &x509.Certificate{SerialNumber: newSerial(), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(certificatePEM(der) + certificatePEM(der))
	f.Add("junk" + certificatePEM(der))
	f.Fuzz(func(t *testing.T, text string) {
		certs, err := parseChain(text)
		if err == nil && len(certs) != strings.Count(text, "-----BEGIN CERTIFICATE-----") {
			t.Errorf("%d certificates of %q", len(certs), text)
		}
	})
}
