package auth

import (
	"context"
	"testing"

	"github.com/alexedwards/argon2id"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ParseNewPasskey and ParsePasskey read what a browser sent, for the fuzz target.
func ParseNewPasskey(answer []byte) error { _, err := parseNewPasskey(answer); return err }

func ParsePasskey(answer []byte) error { _, err := parsePasskey(answer); return err }

// LocalKey is what tries at a local account are counted under.
func LocalKey(username string) string { return digest("local", username) }

// HashCheaply makes tests of everything but the hash itself quick.
func HashCheaply() (undo func()) {
	before := hashing
	hashing = argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	return func() { hashing = before }
}

// Hashes tells how many computations of a password's hash the service has made.
func Hashes(s *Service) int64 { return s.passwords.computed.Load() }

// How many are made at the same time, and how many may wait.
const (
	HashesAtOnce = hashesAtOnce
	HashesQueued = hashesQueued
)

// RunHash runs something where a hash would be computed.
func RunHash(ctx context.Context, s *Service, compute func() error) error {
	return s.passwords.run(ctx, compute)
}

// HashCost is what it costs to compare with the hash of a local account, NobodysCost with the one for accounts that there are not.
func HashCost(t testing.TB, s *Service, id portal.UserID) argon2id.Params {
	t.Helper()
	var account portal.LocalAccount
	err := s.Store.View(t.Context(), func(tx *store.Tx) (err error) {
		account, err = tx.LocalAccount(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cost(account.Hash)
}

func NobodysCost() argon2id.Params { return cost(nobodysHash()) }

func cost(hash string) argon2id.Params {
	p, _, _, err := argon2id.DecodeHash(hash)
	if err != nil {
		panic(err)
	}
	return *p
}
