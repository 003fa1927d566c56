package portal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

// lowOrderPoints are the canonical and non-canonical encodings of the points of low order on Curve25519, from the list at
// cr.yp.to/ecdh.html#validate.
var lowOrderPoints = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func TestLowOrderPublicKeysAreRefused(t *testing.T) {
	for _, point := range lowOrderPoints {
		raw, err := hex.DecodeString(point)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := portal.ParsePublicKey(base64.StdEncoding.EncodeToString(raw)); !errors.Is(err, portal.ErrPublicKey) {
			t.Errorf("point %s: got %v, want ErrPublicKey", point, err)
		}
	}
}

func TestMalformedPublicKeysAreRefused(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for name, text := range map[string]string{
		"empty":            "",
		"31 bytes":         base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 31)),
		"33 bytes":         base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 33)),
		"url alphabet":     strings.Replace(good, "B", "_", 1),
		"line break":       good[:43] + "\n",
		"padding bits set": good[:42] + "d=", // the last two bits of the 43rd character must be zero
		"no padding":       good[:43],
	} {
		if _, err := portal.ParsePublicKey(text); !errors.Is(err, portal.ErrPublicKey) {
			t.Errorf("%s: got %v, want ErrPublicKey", name, err)
		}
	}
	if k, err := portal.ParsePublicKey(good); err != nil || k.String() != good {
		t.Errorf("good key: got %v, %v", k, err)
	}
}

// TestPublicKeyOfRFC7748 uses Alice's key pair of RFC 7748, section 6.1.
func TestPublicKeyOfRFC7748(t *testing.T) {
	private, err := hex.DecodeString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
	if err != nil {
		t.Fatal(err)
	}
	k, err := portal.ParsePrivateKey(base64.StdEncoding.EncodeToString(private))
	if err != nil {
		t.Fatal(err)
	}
	public := k.Public()
	if got, want := hex.EncodeToString(public[:]), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"; got != want {
		t.Errorf("public key is %s, want %s", got, want)
	}
}

func TestPrivateKeyNeverPrints(t *testing.T) {
	k, err := portal.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	secret := portal.NewSecretText("s3cret-text")
	type nested struct {
		Key    portal.PrivateKey
		Secret portal.Secret
		List   []portal.PrivateKey
	}
	n := nested{k, secret, []portal.PrivateKey{k}}
	raw := k.Bytes()
	needles := []string{k.Reveal(), hex.EncodeToString(raw[:]), fmt.Sprintf("%d", raw), "s3cret-text"}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", k, n, &n)
		fmt.Fprintf(&out, verb+"\n", secret)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "k", k, "n", n, "s", secret)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "k", k, "n", n, "s", secret)
	if b, err := json.Marshal(n); err == nil {
		t.Errorf("json.Marshal gave %s, want an error", b)
	}
	for _, needle := range needles {
		if strings.Contains(out.String(), needle) {
			t.Errorf("output holds %q:\n%s", needle, out.String())
		}
	}
}

func TestNewPrivateKeyIsClampedAndItsPublicKeyUsable(t *testing.T) {
	k, err := portal.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	if b := k.Bytes(); b[0]&7 != 0 || b[31]&0xc0 != 0x40 {
		t.Errorf("key is not clamped: first byte %#x, last byte %#x", b[0], b[31])
	}
	if _, err := portal.ParsePublicKey(k.Public().String()); err != nil {
		t.Error(err)
	}
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("A", 43) + "=")
	f.Add(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32)))
	f.Fuzz(func(t *testing.T, text string) {
		k, err := portal.ParsePublicKey(text)
		if err == nil && (k.String() != text || k.IsZero()) {
			t.Errorf("ParsePublicKey(%q) gave %s", text, k)
		}
	})
}
