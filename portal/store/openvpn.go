package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type authorityRow struct {
	ID        string `gorm:"primaryKey"`
	State     string
	Chain     string
	Root      string
	Request   string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (authorityRow) TableName() string { return "openvpn_authorities" }

func (r authorityRow) authority() portal.Authority {
	return portal.Authority{
		ID: r.ID, State: portal.AuthorityState(r.State), Chain: r.Chain, Root: r.Root, Request: r.Request, CreatedAt: fromMicros(r.CreatedAt),
	}
}

// Authorities returns the authorities of OpenVPN, oldest first.
func (tx *Tx) Authorities() ([]portal.Authority, error) {
	var rows []authorityRow
	if err := tx.db.Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read authorities of OpenVPN: %w", err)
	}
	all := make([]portal.Authority, len(rows))
	for i, r := range rows {
		all[i] = r.authority()
	}
	return all, nil
}

// CreateAuthority adds an authority. Where there is another one that signs, or that is requested, and this one would be a second, it returns
// portal.ErrDuplicate; the transaction goes on.
func (tx *Tx) CreateAuthority(a portal.Authority) error {
	res := tx.db.Exec("INSERT INTO openvpn_authorities (id, state, chain, root, request, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		a.ID, string(a.State), a.Chain, a.Root, a.Request, micros(tx.Now))
	if res.Error != nil {
		return fmt.Errorf("keep authority %s: %w", a.ID, res.Error)
	}
	if res.RowsAffected == 0 {
		return portal.ErrDuplicate
	}
	return nil
}

// ChangeAuthority moves an authority from one state to another, with the certificates that it has then. It returns portal.ErrNotFound when it is not
// in that state.
func (tx *Tx) ChangeAuthority(a portal.Authority, from portal.AuthorityState) error {
	return one(tx.db.Exec("UPDATE openvpn_authorities SET state = ?, chain = ?, root = ? WHERE id = ? AND state = ?",
		string(a.State), a.Chain, a.Root, a.ID, string(from)))
}

// DeleteAuthority removes an authority; its key is the caller's to remove.
func (tx *Tx) DeleteAuthority(id string) error {
	return one(tx.db.Where("id = ?", id).Delete(&authorityRow{}))
}

type certificateRow struct {
	DeviceID    string `gorm:"primaryKey"`
	Serial      string
	Authority   string
	NotBefore   int64
	NotAfter    int64
	Certificate string
}

func (certificateRow) TableName() string { return "device_certificates" }

// SetCertificate gives a device that exists its certificate, in the place of one from before, which counts as revoked.
func (tx *Tx) SetCertificate(c portal.DeviceCertificate) error {
	if err := tx.revokeCertificate(c.Device); err != nil {
		return err
	}
	err := tx.db.Exec(`INSERT INTO device_certificates (device_id, serial, authority, not_before, not_after, certificate) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (device_id) DO UPDATE SET serial = excluded.serial, authority = excluded.authority, not_before = excluded.not_before,
			not_after = excluded.not_after, certificate = excluded.certificate`,
		string(c.Device), c.Serial, c.Authority, micros(c.NotBefore), micros(c.NotAfter), c.Certificate).Error
	return translate(err)
}

// revokeCertificate notes that the certificate of a device is good no more, if it has one, and forgets those whose time is over by itself.
func (tx *Tx) revokeCertificate(id portal.DeviceID) error {
	now := micros(tx.Now)
	res := tx.db.Exec(`INSERT INTO revoked_certificates (serial, authority, revoked_at, not_after)
		SELECT serial, authority, CAST(? AS BIGINT), not_after FROM device_certificates WHERE device_id = ? AND not_after > ?`, now, string(id), now)
	if res.Error != nil || res.RowsAffected == 0 {
		return translate(res.Error)
	}
	return translate(tx.db.Exec("DELETE FROM revoked_certificates WHERE not_after <= ?", now).Error)
}

// RevokedCertificate is one of a revocation list.
type RevokedCertificate struct {
	Serial string // hex
	At     time.Time
}

// RevokedCertificates returns those of an authority that are revoked and would be good otherwise, in the order in which that came.
func (tx *Tx) RevokedCertificates(authority string) ([]RevokedCertificate, error) {
	var rows []struct {
		Serial    string
		RevokedAt int64
	}
	err := tx.db.Raw("SELECT serial, revoked_at FROM revoked_certificates WHERE authority = ? AND not_after > ? ORDER BY revoked_at, serial", authority, micros(tx.Now)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read revoked certificates: %w", err)
	}
	all := make([]RevokedCertificate, len(rows))
	for i, r := range rows {
		all[i] = RevokedCertificate{r.Serial, fromMicros(r.RevokedAt)}
	}
	return all, nil
}

// SetDeviceCert makes a device known by another certificate.
func (tx *Tx) SetDeviceCert(id portal.DeviceID, cert portal.CertificateID) error {
	return one(tx.db.Exec("UPDATE devices SET public_key = ?, key_at = ? WHERE id = ?", certPrefix+cert.String(), micros(tx.Now), string(id)))
}

// Certificates returns the certificates of those of the devices that have one.
func (tx *Tx) Certificates(ids []portal.DeviceID) (map[portal.DeviceID]portal.DeviceCertificate, error) {
	all := map[portal.DeviceID]portal.DeviceCertificate{}
	for part := range chunks(ids) {
		var rows []certificateRow
		if err := tx.db.Where("device_id IN ?", part).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read certificates of devices: %w", err)
		}
		for _, r := range rows {
			all[portal.DeviceID(r.DeviceID)] = portal.DeviceCertificate{
				Device: portal.DeviceID(r.DeviceID), Serial: r.Serial, Authority: r.Authority, NotBefore: fromMicros(r.NotBefore),
				NotAfter: fromMicros(r.NotAfter), Certificate: r.Certificate,
			}
		}
	}
	return all, nil
}

// CountCertificates returns how many devices have a certificate of each authority.
func (tx *Tx) CountCertificates() (map[string]int, error) {
	var rows []struct {
		Authority string
		N         int
	}
	if err := tx.db.Raw("SELECT authority, COUNT(*) AS n FROM device_certificates GROUP BY authority").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count certificates of devices: %w", err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Authority] = r.N
	}
	return counts, nil
}
