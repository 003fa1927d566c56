package auth

import (
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// How often something may be tried. A TOTP code is one of three good ones in a million at any moment: five tries, then pauses that double
// up to 15 minutes, leave about a hundred tries a day, a chance of 1 in 3,000 for who has taken over the account at the provider already.
// The limits by address are wide, since a whole company may come from one.
var (
	codeByAccount = store.AttemptLimit{Free: 5, Window: 24 * time.Hour, Lock: 30 * time.Second, Most: 15 * time.Minute}
	codeByAddr    = store.AttemptLimit{Free: 200, Window: 10 * time.Minute, Lock: time.Minute, Most: 5 * time.Minute}
	asksByPerson  = store.AttemptLimit{Free: 60, Window: 10 * time.Minute, Lock: time.Minute}
	startByAddr   = store.AttemptLimit{Free: 1000, Window: 10 * time.Minute, Lock: 10 * time.Second, Most: time.Minute}
	refusedByAddr = store.AttemptLimit{Free: 100, Window: 10 * time.Minute, Lock: time.Minute, Most: 10 * time.Minute}
)

// The kinds of counters.
const (
	triesCode     = "factor"         // by person
	triesCodeAddr = "factor_addr"    // by address
	triesAsk      = "passkey_ask"    // by person; bounds what answers to them can write into the audit trail
	triesStart    = "sign_in_start"  // by address
	triesRefused  = "sign_in_refuse" // by address; bounds what strangers can write into the audit trail
)

// countCode counts a try at a person's second factor, before it is looked at. It returns how long to wait, 0 to go on.
func countCode(tx *store.Tx, who Who) (time.Duration, error) {
	wait, err := tx.Attempt(triesCode, string(who.User.ID), codeByAccount)
	if err != nil || wait > 0 {
		return wait, err
	}
	wait, err = tx.Attempt(triesCodeAddr, addrKey(who.From.Addr), codeByAddr)
	if err == nil && wait > 0 {
		err = tx.UndoAttempt(triesCode, string(who.User.ID))
	}
	return wait, err
}

// uncountCode takes a counted try back: it was right, or it was a code that was used already and so gained nothing.
func uncountCode(tx *store.Tx, who Who, right bool) error {
	if err := tx.UndoAttempt(triesCodeAddr, addrKey(who.From.Addr)); err != nil {
		return err
	}
	if right {
		return tx.ForgetAttempts(triesCode, string(who.User.ID))
	}
	return tx.UndoAttempt(triesCode, string(who.User.ID))
}

// comeBack is err with the time to wait in whole seconds, rounded up.
func comeBack(err *portal.Error, wait time.Duration) error {
	return err.WithRetryAfter(int((wait + time.Second - 1) / time.Second))
}
