package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func (tx *Tx) createGrant(g portal.Grant) error {
	err := tx.db.Exec("INSERT INTO grants (device_id, level, not_after, renew_at) VALUES (?, ?, ?, ?)",
		string(g.Device), string(g.Level), micros(g.NotAfter), micros(g.RenewAt)).Error
	if err != nil {
		return fmt.Errorf("write grant of device %s: %w", g.Device, translate(err))
	}
	return nil
}

// SetGrantEnd lets a grant run until notAfter and notes that the person proved who they are for it just now.
func (tx *Tx) SetGrantEnd(device portal.DeviceID, notAfter time.Time) error {
	return one(tx.db.Exec("UPDATE grants SET not_after = ?, renew_at = ? WHERE device_id = ?", micros(notAfter), micros(tx.Now), string(device)))
}

// SetGrantLevel changes how much of its profile a device has.
func (tx *Tx) SetGrantLevel(device portal.DeviceID, level portal.Level) error {
	return one(tx.db.Exec("UPDATE grants SET level = ? WHERE device_id = ?", string(level), string(device)))
}

// ShortenGrants ends the grants of a profile's devices no later than session after the person last proved who they are for them. Entries
// are the caller's to write.
func (tx *Tx) ShortenGrants(profile portal.ProfileID, session time.Duration) error {
	err := tx.db.Exec(`UPDATE grants SET not_after = renew_at + ? WHERE not_after > renew_at + ? AND device_id IN (SELECT id FROM devices WHERE profile_id = ?)`,
		session.Microseconds(), session.Microseconds(), string(profile)).Error
	if err != nil {
		return fmt.Errorf("shorten grants of profile %s: %w", profile, err)
	}
	return nil
}
