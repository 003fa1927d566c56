package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

type deviceRow struct {
	ID        string `gorm:"primaryKey"`
	UserID    string
	Name      string
	Platform  string
	Protocol  string
	ProfileID string
	PopID     string
	PublicKey string
	PoolID    string
	AddrN     int64
	State     string
	Sig       string
	File      string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	KeyAt     int64
}

func (deviceRow) TableName() string { return "devices" }

// DeviceRecord is a device with its grant and what is near it.
type DeviceRecord struct {
	portal.Device
	Grant       portal.Grant
	Signature   portal.SignatureID // of its entry in the feed log, "" while it has none
	File        string             // version of the file that it was given last, "" when that is not known
	OwnerName   string
	OwnerEmail  string
	OwnerState  portal.UserState
	ProfileName string
	ProfileMode portal.Mode
}

// CreateDevice adds a device and its grant; its entry in the feed log has that signature, its file that version. It returns portal.ErrDuplicate when the key,
// the address or the owner's name for it is taken.
func (tx *Tx) CreateDevice(d portal.Device, g portal.Grant, sig portal.SignatureID, file string) error {
	err := tx.db.Exec(`INSERT INTO devices (id, user_id, name, platform, protocol, profile_id, pop_id, public_key, pool_id, addr_n, state, sig, file, created_at, key_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(d.ID), string(d.User), d.Name, string(d.Platform), string(d.Protocol), string(d.Profile),
		string(d.PoP), keyText(d), string(d.Addr.Pool), int64(d.Addr.N), string(d.State), string(sig), file, micros(d.CreatedAt), micros(d.KeyAt)).Error
	if err != nil {
		return translate(err)
	}
	return tx.createGrant(g)
}

// certPrefix begins what stands for the key of a device that has a certificate; its fingerprint follows.
const certPrefix = "x509:"

// keyText is what a device is known by; no two have the same.
func keyText(d portal.Device) string {
	if d.Cert.IsZero() {
		return d.PublicKey.String()
	}
	return certPrefix + d.Cert.String()
}

func readKey(text string) (key portal.PublicKey, cert portal.CertificateID, err error) {
	if id, is := strings.CutPrefix(text, certPrefix); is {
		cert, err = portal.ParseCertificateID(id)
		return key, cert, err
	}
	return key, cert, key.UnmarshalText([]byte(text))
}

// DeleteDevice removes a device, its grant and its live state; a certificate of it counts as revoked. Its address is the caller's to free.
func (tx *Tx) DeleteDevice(id portal.DeviceID) error {
	if err := tx.revokeCertificate(id); err != nil {
		return err
	}
	return one(tx.db.Where("id = ?", string(id)).Delete(&deviceRow{}))
}

// SetDeviceName renames a device. It returns portal.ErrDuplicate when its owner has another one of that name.
func (tx *Tx) SetDeviceName(id portal.DeviceID, name string) error {
	return one(tx.db.Exec("UPDATE devices SET name = ? WHERE id = ?", name, string(id)))
}

// SetDeviceKey replaces a device's key. It returns portal.ErrDuplicate when another device has that key.
func (tx *Tx) SetDeviceKey(id portal.DeviceID, key portal.PublicKey) error {
	return one(tx.db.Exec("UPDATE devices SET public_key = ?, key_at = ? WHERE id = ?", key.String(), micros(tx.Now), string(id)))
}

// SetDeviceFile notes the version of the file that the device was given.
func (tx *Tx) SetDeviceFile(id portal.DeviceID, file string) error {
	return one(tx.db.Exec("UPDATE devices SET file = ? WHERE id = ?", file, string(id)))
}

// DeviceFile is a version of the file of a profile, and how many devices have it.
type DeviceFile struct {
	Profile portal.ProfileID
	File    string
	Devices int
}

// DeviceFiles returns the known versions of files that devices have; of one profile, or of all for "".
func (tx *Tx) DeviceFiles(profile portal.ProfileID) ([]DeviceFile, error) {
	var files []DeviceFile
	err := tx.db.Raw(`SELECT profile_id AS profile, file, COUNT(*) AS devices FROM devices WHERE file <> '' AND (profile_id = ? OR ? = '')
		GROUP BY profile_id, file ORDER BY profile_id, file`, string(profile), string(profile)).Scan(&files).Error
	if err != nil {
		return nil, fmt.Errorf("read versions of files: %w", err)
	}
	return files, nil
}

// SetDeviceState suspends or resumes a device; its entry is the caller's to write.
func (tx *Tx) SetDeviceState(id portal.DeviceID, state portal.DeviceState) error {
	return one(tx.db.Exec("UPDATE devices SET state = ? WHERE id = ?", string(state), string(id)))
}

// SetSignatures notes which signature the entry of each device has in the feed log, "" for no entry.
func (tx *Tx) SetSignatures(of map[portal.DeviceID]portal.SignatureID) error {
	for part := range chunks(slices.Sorted(maps.Keys(of))) {
		args := make([]any, 0, 2*len(part))
		for _, id := range part {
			args = append(args, string(id), string(of[id]))
		}
		rows := strings.TrimSuffix(strings.Repeat("(?, ?), ", len(part)), ", ")
		err := tx.db.Exec("WITH v(id, sig) AS (VALUES "+rows+") UPDATE devices SET sig = v.sig FROM v WHERE devices.id = v.id", args...).Error
		if err != nil {
			return fmt.Errorf("note signatures of devices: %w", err)
		}
	}
	return nil
}

// UnusedSignatures returns those of ids that no device's entry has any more.
func (tx *Tx) UnusedSignatures(ids []portal.SignatureID) ([]portal.SignatureID, error) {
	var unused []portal.SignatureID
	for _, id := range ids {
		var used int64
		if err := tx.db.Raw("SELECT CASE WHEN EXISTS (SELECT 1 FROM devices WHERE sig = ?) THEN 1 ELSE 0 END", string(id)).Scan(&used).Error; err != nil {
			return nil, fmt.Errorf("count uses of signature: %w", err)
		}
		if used == 0 {
			unused = append(unused, id)
		}
	}
	return unused, nil
}

// Clash tells what stands in the way of a new device or key.
type Clash struct {
	KeyUses  int // devices and gateways that have the public key
	NameUses int // devices of the person that have the name
}

// Clashes looks up what stands in the way of a device; except is a device that does not count, "" for none.
func (tx *Tx) Clashes(user portal.UserID, name string, key portal.PublicKey, except portal.DeviceID) (Clash, error) {
	var c Clash
	k := key.String()
	err := tx.db.Raw(`SELECT
		(SELECT COUNT(*) FROM devices WHERE public_key = ? AND id <> ?) + (SELECT COUNT(*) FROM gateways WHERE public_key = ?) AS key_uses,
		(SELECT COUNT(*) FROM devices WHERE user_id = ? AND name = ? AND id <> ?) AS name_uses`,
		k, string(except), k, string(user), name, string(except)).Scan(&c).Error
	if err != nil {
		return Clash{}, fmt.Errorf("look up clashes: %w", err)
	}
	return c, nil
}

// KeyUses returns how many devices, and gateways but the one named, have the public key.
func (tx *Tx) KeyUses(key portal.PublicKey, except portal.GatewayID) (n int, err error) {
	err = tx.db.Raw(`SELECT (SELECT COUNT(*) FROM devices WHERE public_key = ?) + (SELECT COUNT(*) FROM gateways WHERE public_key = ? AND id <> ?)`,
		key.String(), key.String(), string(except)).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("look up uses of key: %w", err)
	}
	return n, nil
}

// CountWithProfile returns how many devices the person has with the profile.
func (tx *Tx) CountWithProfile(user portal.UserID, profile portal.ProfileID) (n int, err error) {
	err = tx.db.Raw("SELECT COUNT(*) FROM devices WHERE profile_id = ? AND user_id = ?", string(profile), string(user)).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count devices of %s: %w", user, err)
	}
	return n, nil
}

// HoldUser keeps the person as they are until the transaction ends. Who adds a device or a membership calls it before LockFeed, as
// those who change a person do, so that no two transactions wait for each other. It returns portal.ErrNotFound.
func (tx *Tx) HoldUser(id portal.UserID) (portal.User, error) {
	if !tx.store.oneWriter() {
		if err := tx.db.Exec("SELECT 1 FROM users WHERE id = ? FOR SHARE", string(id)).Error; err != nil {
			return portal.User{}, fmt.Errorf("hold person %s: %w", id, err)
		}
	}
	return tx.User(id)
}
