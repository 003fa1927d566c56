package portal_test

import (
	"crypto/ecdh"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/portal"
)

// agrees tries a key agreement, which crypto/ecdh refuses with a point of low order.
func agrees(k portal.PublicKey) bool {
	priv, err := ecdh.X25519().NewPrivateKey(append([]byte{8}, append(make([]byte, 30), 0x40)...))
	if err != nil {
		return false
	}
	pub, err := ecdh.X25519().NewPublicKey(k[:])
	if err != nil {
		return false
	}
	_, err = priv.ECDH(pub)
	return err == nil
}

func TestKeysOfLowOrderAreThoseWithoutAnAgreement(t *testing.T) {
	check := func(k portal.PublicKey) {
		t.Helper()
		if _, err := portal.ParsePublicKey(k.String()); (err == nil) != agrees(k) {
			t.Errorf("%s: accepted %v, agreement works %v", k, err == nil, agrees(k))
		}
	}
	for _, text := range []string{
		"4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=", "X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=",
	} {
		if _, err := portal.ParsePublicKey(text); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
	for first := range 256 { // the smallest numbers, the largest, and both with the bit that is ignored
		low, high := portal.PublicKey{0: byte(first)}, portal.PublicKey{0: byte(first), 31: 0x7f}
		for i := 1; i < 31; i++ {
			high[i] = 0xff
		}
		for _, k := range []portal.PublicKey{low, high} {
			check(k)
			k[31] |= 0x80
			check(k)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r, "key")
		check(portal.PublicKey(b))
	})
}

func BenchmarkParsePublicKey(b *testing.B) {
	text := portal.PublicKey{0: 9, 5: 7}.String()
	for b.Loop() {
		if _, err := portal.ParsePublicKey(text); err != nil {
			b.Fatal(err)
		}
	}
}
