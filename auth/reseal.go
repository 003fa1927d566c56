package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// resealPage is how many factors are resealed in one transaction.
const resealPage = 200

// Reseal seals with the keyring's first key what an older one has sealed: factors, client secrets of providers, and the portal's own secrets.
// What serves for minutes, or only a nicer goodbye, it forgets instead: tests of providers, and the ID tokens of sessions. It returns how many
// values it changed or forgot; none are left when it returns without an error, and the old key can go from the configuration. With several portals, give
// all of them the new key as a second one first: one that does not know it yet could not open what another has resealed.
func (s *Service) Reseal(ctx context.Context) (int, error) {
	done, err := s.resealSecrets(ctx)
	if err != nil {
		return done, fmt.Errorf("reseal secrets: %w", err)
	}
	providers, err := s.resealProviders(ctx)
	if done += providers; err != nil {
		return done, fmt.Errorf("reseal client secrets: %w", err)
	}
	forgotten, err := s.forgetStale(ctx)
	if done += forgotten; err != nil {
		return done, fmt.Errorf("forget what an older key sealed: %w", err)
	}
	after := portal.FactorID("")
	for {
		var page []portal.Factor
		n := 0
		err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			n = 0
			if page, err = tx.FactorsAfter(after, resealPage); err != nil {
				return err
			}
			for _, f := range page {
				changed, err := s.reseal(f.Sealed, factorPlace(f.ID), func(sealed []byte) error { return tx.ResealFactor(f.ID, f.Sealed, sealed) })
				if err != nil {
					return fmt.Errorf("factor %s: %w", f.ID, err)
				}
				n += changed
			}
			return nil
		})
		if err != nil {
			return done, fmt.Errorf("reseal factors: %w", err)
		}
		done += n
		if len(page) < resealPage {
			return done, nil
		}
		after = page[len(page)-1].ID
	}
}

func (s *Service) resealSecrets(ctx context.Context) (done int, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		done = 0
		names, err := tx.SecretNames()
		if err != nil {
			return err
		}
		for _, name := range names {
			old, err := tx.Secret(name)
			if err != nil {
				return err
			}
			changed, err := s.reseal(old, "secrets/"+name, func(sealed []byte) error { return tx.ResealSecret(name, old, sealed) })
			if err != nil {
				return fmt.Errorf("secret %s: %w", name, err)
			}
			done += changed
		}
		return nil
	})
	return done, err
}

func (s *Service) forgetStale(ctx context.Context) (done int, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		tokens, err := tx.ForgetIDTokens(s.Keys.Head())
		if err != nil {
			return err
		}
		tests, err := tx.ForgetProviderTests(s.Keys.Head())
		done = tokens + tests
		return err
	})
	return done, err
}

// reseal hands a value that is stale to put, sealed anew, and returns 1 when it was taken. Another portal may have been faster.
func (s *Service) reseal(old []byte, place string, put func(sealed []byte) error) (int, error) {
	if !s.Keys.Stale(old) {
		return 0, nil
	}
	plain, err := s.Keys.Open(old, place)
	if err != nil {
		return 0, err
	}
	sealed, err := s.Keys.Seal(plain, place)
	if err != nil {
		return 0, err
	}
	if err := put(sealed); errors.Is(err, portal.ErrNotFound) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	return 1, nil
}
