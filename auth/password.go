package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/sallyport/sallyport/portal"
)

// How passwords are hashed: 64 MiB and three passes, a quarter of a second on two cores (RFC 9106, section 4, second choice). Tests, which
// have nothing to protect, take less.
var hashing = argon2id.Params{Memory: 64 << 10, Iterations: 3, Parallelism: 2, SaltLength: 16, KeyLength: 32}

// What a password may be. Long ones need no rules on characters (NIST SP 800-63B, section 3.1.1.2); the top bounds the work.
const (
	minPassword = 14  // characters
	maxPassword = 256 // bytes
)

// Each computation takes 64 MiB, so there are few at a time; who would wait for long comes back.
const (
	hashesAtOnce = 2
	hashesQueued = 8
	hashWait     = 5 * time.Second
)

// passwords computes hashes of passwords, not too many at once. The zero value is ready.
type passwords struct {
	once     sync.Once
	slots    chan struct{}
	queued   atomic.Int32
	computed atomic.Int64 // so far: what a test compares instead of clocks
}

// run runs one computation when there is room for it. It returns ErrTooManyTries when there is none soon.
func (p *passwords) run(ctx context.Context, compute func() error) error {
	p.once.Do(func() { p.slots = make(chan struct{}, hashesAtOnce) })
	if p.queued.Add(1) > hashesAtOnce+hashesQueued {
		p.queued.Add(-1)
		return ErrTooManyTries.WithRetryAfter(hashWait)
	}
	defer p.queued.Add(-1)
	late := time.NewTimer(hashWait)
	defer late.Stop()
	select {
	case p.slots <- struct{}{}:
	case <-late.C:
		return ErrTooManyTries.WithRetryAfter(hashWait)
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	p.computed.Add(1)
	return compute()
}

// hash returns the hash of a password in PHC form.
func (p *passwords) hash(ctx context.Context, password portal.Secret) (hash string, err error) {
	err = p.run(ctx, func() (err error) {
		hash, err = argon2id.CreateHash(password.Reveal(), &hashing)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// matches reports whether a password has this hash. With the hash "" it computes as long and says no, so that nobody can tell by the time
// whether there is an account.
func (p *passwords) matches(ctx context.Context, password portal.Secret, hash string) (same bool, err error) {
	known := hash != ""
	if !known {
		hash = nobodysHash()
	}
	err = p.run(ctx, func() (err error) {
		same, err = argon2id.ComparePasswordAndHash(password.Reveal(), hash)
		return err
	})
	return same && known, err
}

// nobodysHash costs as much to compare with as any, and fits no password.
func nobodysHash() string {
	zeros := func(n uint32) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", hashing.Memory, hashing.Iterations, hashing.Parallelism, zeros(hashing.SaltLength), zeros(hashing.KeyLength))
}

// checkPassword returns an invalid-input error for what is too short, too long, or too close to the account's name.
func checkPassword(username string, password portal.Secret) error {
	wrong := func(code, msg string) error {
		return portal.InvalidFields(portal.Field{Path: "/password", Code: code, Msg: msg})
	}
	text := password.Reveal()
	distinct := map[rune]bool{}
	for _, r := range text {
		distinct[r] = true
	}
	switch {
	case !plainText(text, maxPassword):
		return wrong("malformed", "A password is at most 256 bytes of text, without control characters.")
	case utf8.RuneCountInString(text) < minPassword:
		return wrong("too_short", "A password has at least 14 characters: a few words that nobody would put together will do.")
	case len(distinct) < 5, strings.Contains(strings.ToLower(text), username) && len(text) < 2*len(username)+minPassword/2:
		return wrong("too_easy", "This password is too easy to guess.")
	}
	return nil
}
