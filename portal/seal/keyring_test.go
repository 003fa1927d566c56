package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal/seal"
)

func key(t testing.TB, id string, fill byte) seal.Key {
	t.Helper()
	k, err := seal.NewKey(id, bytes.Repeat([]byte{fill}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ring(t testing.TB, keys ...seal.Key) *seal.Keyring {
	t.Helper()
	r, err := seal.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSeal(t testing.TB, r *seal.Keyring, plain, place string) []byte {
	t.Helper()
	sealed, err := r.Seal([]byte(plain), place)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealedValueOpensOnlyInItsPlace(t *testing.T) {
	r := ring(t, key(t, "a", 1))
	sealed := mustSeal(t, r, "seed", "factors/1")
	if got, err := r.Open(sealed, "factors/1"); err != nil || string(got) != "seed" {
		t.Fatalf("got %q, %v; want seed", got, err)
	}
	if _, err := r.Open(sealed, "factors/2"); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("another row: got %v, want ErrBroken", err)
	}
	if bytes.Contains(sealed, []byte("seed")) {
		t.Error("the sealed value shows the plain one")
	}
}

func TestSameTextSealsDifferentlyEachTime(t *testing.T) {
	r := ring(t, key(t, "a", 1))
	if bytes.Equal(mustSeal(t, r, "seed", "p"), mustSeal(t, r, "seed", "p")) {
		t.Error("two seals of one text are equal")
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	r := ring(t, key(t, "a", 1))
	sealed := mustSeal(t, r, "seed", "p")
	for i := range sealed {
		broken := bytes.Clone(sealed)
		if broken[i] = 'A'; sealed[i] == 'A' {
			broken[i] = 'B'
		}
		if _, err := r.Open(broken, "p"); err == nil {
			t.Errorf("byte %d of %s changed, and it still opens", i, sealed)
		}
	}
	for i := range sealed {
		if _, err := r.Open(sealed[:i], "p"); err == nil {
			t.Errorf("cut to %d bytes, and it still opens", i)
		}
	}
}

func TestRotationKeepsOldValuesReadable(t *testing.T) {
	old := ring(t, key(t, "2025", 1))
	sealed := mustSeal(t, old, "seed", "p")
	both := ring(t, key(t, "2026", 2), key(t, "2025", 1))
	plain, err := both.Open(sealed, "p")
	if err != nil || string(plain) != "seed" {
		t.Fatalf("got %q, %v; want seed", plain, err)
	}
	if !both.Stale(sealed) {
		t.Error("a value of the old key is not stale")
	}
	again := mustSeal(t, both, string(plain), "p")
	if both.Stale(again) {
		t.Error("a value of the new key is stale")
	}
	if _, err := old.Open(again, "p"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("got %v, want ErrUnknownKey", err)
	}
	if _, err := ring(t, key(t, "2025", 9)).Open(sealed, "p"); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("same id, other key: got %v, want ErrBroken", err)
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	for _, id := range []string{"", "A", "a.b", "a b", strings.Repeat("a", 17)} {
		if _, err := seal.NewKey(id, make([]byte, seal.KeySize)); err == nil {
			t.Errorf("id %q is accepted", id)
		}
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := seal.NewKey("a", make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is accepted", n)
		}
	}
	if _, err := seal.NewKeyring(); err == nil {
		t.Error("a keyring without a key is made")
	}
	if _, err := seal.NewKeyring(seal.Key{}); err == nil {
		t.Error("a keyring with an empty key is made")
	}
	if _, err := seal.NewKeyring(key(t, "a", 1), key(t, "a", 2)); err == nil {
		t.Error("a keyring with one id twice is made")
	}
	if _, err := ring(t, key(t, "a", 1)).Seal(make([]byte, seal.MaxPlain+1), "p"); err == nil {
		t.Error("a huge value is sealed")
	}
}

func TestMasterKeyDoesNotPrint(t *testing.T) {
	k := key(t, "a", 'S')
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %x %s", k, k, k, struct{ K seal.Key }{k})} {
		if strings.Contains(text, "SSS") || strings.Contains(text, "5353") || strings.Contains(text, "83 83") {
			t.Errorf("the key prints: %s", text)
		}
	}
	if _, err := json.Marshal(k); err == nil {
		t.Error("the key marshals")
	}
}

func FuzzOpenNeverPanics(f *testing.F) {
	r := ring(f, key(f, "a", 1))
	f.Add(mustSeal(f, r, "seed", "p"), "p")
	f.Add([]byte("v1.a."), "p")
	f.Add([]byte("v1..x"), "")
	f.Add([]byte{}, "p")
	f.Fuzz(func(t *testing.T, sealed []byte, place string) {
		if plain, err := r.Open(sealed, place); err == nil && string(plain) != "seed" {
			t.Errorf("%q opens as %q", sealed, plain)
		}
	})
}
