package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// A recovery code is 80 random bits in 16 characters, so that a plain hash protects the copy in the database.
const (
	recoveryCodes = 10
	recoverySize  = 10 // bytes
	recoveryChars = 16
)

// crockford is an alphabet without I, L, O and U: what is written on paper is read back right.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// VerifyRecovery shows a recovery code in place of the second factor; the code is gone then. Else it is VerifyTOTP.
func (s *Service) VerifyRecovery(ctx context.Context, who Who, code string) (SignedIn, error) {
	return s.prove(ctx, who, proof{action: "factor.recovery", kind: portal.FactorRecovery, check: func(tx *store.Tx) error {
		if err := mayShow(tx, who.User.ID, portal.FactorRecovery); err != nil {
			return err
		}
		plain, ok := readRecoveryCode(code)
		if !ok {
			return ErrWrongCode
		}
		err := tx.UseRecoveryCode(who.User.ID, hashRecovery(who.User.ID, plain))
		if errors.Is(err, portal.ErrNotFound) {
			return ErrWrongCode // never was and used up are the same answer
		}
		return err
	}})
}

// NewRecoveryCodes replaces the person's recovery codes by ten new ones, shown once. It needs a fresh factor (portal.ErrStepUp).
func (s *Service) NewRecoveryCodes(ctx context.Context, who Who) ([]portal.Secret, error) {
	var codes []portal.Secret
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(tx, who); err != nil {
			return err
		}
		var err error
		if codes, err = replaceRecoveryCodes(tx, who.User.ID); err != nil {
			return err
		}
		return tx.Audit(who.Actor(), "factor.recovery_codes", target(who.User.ID), nil)
	})
	if err != nil {
		return nil, fmt.Errorf("new recovery codes: %w", err)
	}
	return codes, nil
}

// firstRecoveryCodes makes recovery codes for whoever has none left, and returns nil for others.
func firstRecoveryCodes(tx *store.Tx, id portal.UserID) ([]portal.Secret, error) {
	left, err := tx.RecoveryCodes(id)
	if err != nil || left > 0 {
		return nil, err
	}
	return replaceRecoveryCodes(tx, id)
}

func replaceRecoveryCodes(tx *store.Tx, id portal.UserID) ([]portal.Secret, error) {
	codes, hashes := make([]portal.Secret, recoveryCodes), make([]string, recoveryCodes)
	for i := range codes {
		plain := newRecoveryCode(portal.NewSecret(recoverySize))
		codes[i] = portal.NewSecretText(plain[:4] + "-" + plain[4:8] + "-" + plain[8:12] + "-" + plain[12:])
		hashes[i] = hashRecovery(id, plain)
	}
	return codes, tx.ReplaceRecoveryCodes(id, hashes)
}

// newRecoveryCode writes 10 random bytes in 16 characters, 5 bits each.
func newRecoveryCode(random []byte) string {
	code := make([]byte, 0, recoveryChars)
	bits, n := uint(0), 0
	for _, b := range random {
		bits, n = bits<<8|uint(b), n+8
		for ; n >= 5; n -= 5 {
			code = append(code, crockford[bits>>(n-5)&31])
		}
	}
	return string(code)
}

var recoveryTypos = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "", " ", "")

// readRecoveryCode takes what a person typed: any case, with or without dashes, O for 0. ok is false for what can't be a code.
func readRecoveryCode(typed string) (code string, ok bool) {
	if len(typed) > 64 {
		return "", false
	}
	code = recoveryTypos.Replace(strings.ToUpper(typed))
	return code, len(code) == recoveryChars && strings.Trim(code, crockford) == ""
}

func hashRecovery(id portal.UserID, code string) string { return digest("recovery", string(id), code) }
