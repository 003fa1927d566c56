package auth

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// What every authenticator app understands (RFC 6238, section 4; RFC 4226, section 4 for the seed's size).
const (
	totpStep   = 30 * time.Second
	totpDigits = otp.DigitsSix
	totpSeed   = 20 // bytes: the size of a SHA-1 hash
	totpDrift  = 1  // steps that the phone's clock may be off, either way
	maxFactors = 10 // of all kinds
)

var base32NoPad = base32.StdEncoding.WithPadding(base32.NoPadding)

// TOTPEnrolment is what an authenticator app needs. It is shown once.
type TOTPEnrolment struct {
	Factor portal.FactorID
	Secret portal.Secret // base32, to type in
	URI    portal.Secret // otpauth://…, for the QR code
}

// Confirmed is a factor that is good from now on.
type Confirmed struct {
	SignedIn
	Codes []portal.Secret // ten recovery codes, shown once; nil when the person had some before
}

// BeginTOTP makes a new authenticator seed for the person, which counts for nothing until ConfirmTOTP. Beginning again forgets the
// one before. A person who has a factor already needs a fresh one (portal.ErrStepUp), who has shown none ErrFactorNeeded.
func (s *Service) BeginTOTP(ctx context.Context, who Who) (TOTPEnrolment, error) {
	seed := portal.NewSecret(totpSeed)
	var begun TOTPEnrolment
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayEnrol(tx, who, portal.FactorTOTP); err != nil {
			return err
		}
		if err := tx.DeleteUnconfirmedFactors(who.User.ID); err != nil {
			return err
		}
		f := portal.Factor{ID: portal.NewID[portal.FactorID](tx.Now), User: who.User.ID, Kind: portal.FactorTOTP, CreatedAt: tx.Now}
		var err error
		if f.Sealed, err = s.Keys.Seal(seed, factorPlace(f.ID)); err != nil {
			return err
		}
		if err := tx.CreateFactor(f); err != nil {
			return err
		}
		begun = enrolment(f.ID, seed, s.name(), who.User)
		return tx.Audit(who.Actor(), "factor.begin", "factor:"+string(f.ID), map[string]string{"kind": string(f.Kind)})
	})
	if err != nil {
		return TOTPEnrolment{}, fmt.Errorf("begin TOTP: %w", err)
	}
	return begun, nil
}

// enrolment is the otpauth URI that apps read from the QR code (Google Authenticator's key URI format).
func enrolment(id portal.FactorID, seed []byte, issuer string, user portal.User) TOTPEnrolment {
	account := user.Email
	if account == "" {
		account = user.Name
	}
	if account == "" {
		account = string(user.ID)
	}
	text := base32NoPad.EncodeToString(seed)
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + strings.ReplaceAll(issuer, ":", " ") + ":" + account}
	q := url.Values{"secret": {text}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // apps show a plus as a plus
	return TOTPEnrolment{Factor: id, Secret: portal.NewSecretText(text), URI: portal.NewSecretText(u.String())}
}

// ConfirmTOTP proves that the app has the seed. The session gets a new secret and is ready. It returns ErrNoEnrolment, ErrWrongCode,
// ErrCodeUsed or ErrTooManyTries with RetryAfter.
func (s *Service) ConfirmTOTP(ctx context.Context, who Who, code string) (Confirmed, error) {
	var codes []portal.Secret
	var begun portal.Factor
	in, err := s.prove(ctx, who, proof{
		action: "factor.confirm", kind: portal.FactorTOTP,
		check: func(tx *store.Tx) (err error) {
			codes = nil
			if err = s.mayEnrol(tx, who, portal.FactorTOTP); err != nil {
				return err
			}
			if begun, err = unconfirmed(tx, who.User.ID); err != nil {
				return err
			}
			return s.checkTOTP(tx, []portal.Factor{begun}, code)
		},
		then: func(tx *store.Tx) (err error) {
			if err := tx.ConfirmFactor(begun.ID); err != nil {
				return err
			}
			codes, err = firstRecoveryCodes(tx, who.User.ID)
			return err
		},
	})
	if err != nil {
		return Confirmed{}, err
	}
	return Confirmed{SignedIn: in, Codes: codes}, nil
}

func unconfirmed(tx *store.Tx, id portal.UserID) (portal.Factor, error) {
	factors, err := tx.Factors(id)
	if err != nil {
		return portal.Factor{}, err
	}
	for _, f := range factors {
		if f.ConfirmedAt.IsZero() && f.Kind == portal.FactorTOTP {
			return f, nil
		}
	}
	return portal.Factor{}, ErrNoEnrolment
}

// VerifyTOTP shows the second factor: the second step of a sign-in, or a step-up in a session that is ready. The session gets a new
// secret and every grant of the person runs again. It returns ErrFactorEnrolment, ErrWrongCode, ErrCodeUsed or ErrTooManyTries.
func (s *Service) VerifyTOTP(ctx context.Context, who Who, code string) (SignedIn, error) {
	return s.prove(ctx, who, proof{action: "factor.verify", kind: portal.FactorTOTP, check: func(tx *store.Tx) error {
		st, err := standingOf(tx, who.User.ID)
		if err != nil {
			return err
		}
		if err := st.mayShow(portal.FactorTOTP); err != nil {
			return err
		}
		return s.checkTOTP(tx, st.have, code)
	}})
}

// checkTOTP returns nil for a code of one of the factors whose step nobody has used, ErrCodeUsed when all that it fits are used, and
// ErrWrongCode when it fits none. The mark of the use is part of the transaction.
func (s *Service) checkTOTP(tx *store.Tx, factors []portal.Factor, code string) error {
	code, ok := sixDigits(code)
	if !ok {
		return ErrWrongCode
	}
	answer := error(ErrWrongCode)
	for _, f := range factors {
		if f.Kind != portal.FactorTOTP {
			continue
		}
		seed, err := s.Keys.Open(f.Sealed, factorPlace(f.ID))
		if err != nil {
			return fmt.Errorf("open factor %s: %w", f.ID, err)
		}
		steps, err := matchingSteps(seed, code, tx.Now)
		if err != nil {
			return fmt.Errorf("check factor %s: %w", f.ID, err)
		}
		for _, step := range steps {
			// The step stays marked for longer than it could be accepted.
			err := tx.UseOnce("totp", string(f.ID)+"/"+strconv.FormatUint(step, 10), 10*totpStep)
			if err == nil {
				return tx.TouchFactor(f.ID)
			}
			if !errors.Is(err, portal.ErrAlreadyUsed) {
				return err
			}
			answer = ErrCodeUsed
		}
	}
	return answer
}

// matchingSteps returns the steps around now whose code is code.
func matchingSteps(seed []byte, code string, now time.Time) ([]uint64, error) {
	secret := base32NoPad.EncodeToString(seed)
	current := now.Unix() / int64(totpStep/time.Second)
	var steps []uint64
	for step := current - totpDrift; step <= current+totpDrift; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return nil, errors.New("the seed is not usable") // the library's message might hold it
		}
		if equal(want, code) {
			steps = append(steps, uint64(step))
		}
	}
	return steps, nil
}

// sixDigits takes the spaces out of what a person typed. ok is false for what can't be a code.
func sixDigits(code string) (digits string, ok bool) {
	if len(code) > 16 {
		return "", false
	}
	digits = strings.ReplaceAll(code, " ", "")
	return digits, len(digits) == int(totpDigits) && strings.Trim(digits, "0123456789") == ""
}

// factorPlace ties a sealed seed to its row.
func factorPlace(id portal.FactorID) string { return "factors/" + string(id) }
