package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func (tx *Tx) createGrant(g portal.Grant) error {
	err := tx.db.Exec("INSERT INTO grants (device_id, level, not_after, renew_at, factor_at) VALUES (?, ?, ?, ?, ?)",
		string(g.Device), string(g.Level), micros(g.NotAfter), micros(g.RenewAt), micros(g.FactorAt)).Error
	if err != nil {
		return fmt.Errorf("write grant of device %s: %w", g.Device, translate(err))
	}
	return nil
}

// SetGrantEnd lets a grant run until notAfter and notes that the person proved who they are for it just now.
func (tx *Tx) SetGrantEnd(device portal.DeviceID, notAfter time.Time) error {
	return one(tx.db.Exec("UPDATE grants SET not_after = ?, renew_at = ?, let_in = let_in + 1 WHERE device_id = ?", micros(notAfter), micros(tx.Now), string(device)))
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

// EndGrants ends the grants of these devices now, those that run longer. Entries are the caller's to write.
func (tx *Tx) EndGrants(ids []portal.DeviceID) error {
	for part := range chunks(ids) {
		if err := tx.db.Exec("UPDATE grants SET not_after = ? WHERE not_after > ? AND device_id IN ?", micros(tx.Now), micros(tx.Now), part).Error; err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	return nil
}

// LetIn has gateways let these devices in again that they hold to be idle. Entries are the caller's to write.
func (tx *Tx) LetIn(ids []portal.DeviceID) error {
	for part := range chunks(ids) {
		if err := tx.db.Exec("UPDATE grants SET let_in = let_in + 1 WHERE device_id IN ?", part).Error; err != nil {
			return fmt.Errorf("let idle devices in: %w", err)
		}
	}
	return nil
}

// IdleDevices returns devices of the profile, at most limit, whose grant runs though it was not renewed since then and no gateway had a
// handshake since then.
func (tx *Tx) IdleDevices(profile portal.ProfileID, since time.Time, limit int) (ids []portal.DeviceID, err error) {
	err = tx.db.Raw(`SELECT d.id FROM devices d JOIN grants g ON g.device_id = d.id
		WHERE d.profile_id = ? AND d.state = 'active' AND g.not_after > ? AND g.renew_at <= ? AND d.created_at <= ?
		AND NOT EXISTS (SELECT 1 FROM device_live l WHERE l.device_id = d.id AND l.handshake > ?) ORDER BY d.id LIMIT ?`,
		string(profile), micros(tx.Now), micros(since), micros(since), micros(since), limit).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("look for idle devices: %w", err)
	}
	return ids, nil
}
