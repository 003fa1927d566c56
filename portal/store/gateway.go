package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// gatewayRow is a gateway. CertSerial holds the serial number of the certificate in use and, after a blank, the one that was issued to
// follow it and was not used yet.
type gatewayRow struct {
	ID          string `gorm:"primaryKey"`
	PopID       string
	Name        string
	State       string
	Host        string
	Port        int64
	PublicKey   string
	CertSerial  string
	CertEnds    int64
	StreamEpoch int64
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
	EnrolledAt  int64
	SeenAt      int64
	Version     string
	Applied     int64
	Hash        string
	Problem     string
	ApplyFor    int64
	OpenvpnUDP  int64 `gorm:"column:openvpn_udp"`
	OpenvpnTCP  int64 `gorm:"column:openvpn_tcp"`
}

func (gatewayRow) TableName() string { return "gateways" }

func (r gatewayRow) gateway() (portal.Gateway, error) {
	current, _, _ := strings.Cut(r.CertSerial, " ")
	g := portal.Gateway{
		ID: portal.GatewayID(r.ID), PoP: portal.PoPID(r.PopID), Name: r.Name, State: portal.GatewayState(r.State), Host: r.Host, Port: uint16(r.Port),
		CertSerial: current, CertEnds: fromMicros(r.CertEnds), CreatedAt: fromMicros(r.CreatedAt), EnrolledAt: fromMicros(r.EnrolledAt),
		SeenAt: fromMicros(r.SeenAt), Version: r.Version, Applied: uint64(r.Applied), Hash: r.Hash, Problem: r.Problem,
		ApplyFor: time.Duration(r.ApplyFor) * time.Microsecond,
		OpenVPN:  portal.OpenVPNPorts{UDP: uint16(r.OpenvpnUDP), TCP: uint16(r.OpenvpnTCP)},
	}
	if err := g.PublicKey.UnmarshalText([]byte(r.PublicKey)); err != nil {
		return g, fmt.Errorf("read gateway %s: %w", r.ID, err)
	}
	return g, nil
}

// CreateGateway adds a gateway that has no node yet. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateGateway(g portal.Gateway) error {
	row := gatewayRow{
		ID: string(g.ID), PopID: string(g.PoP), Name: g.Name, State: string(g.State), Host: g.Host, Port: int64(g.Port), CreatedAt: micros(g.CreatedAt),
	}
	return translate(tx.db.Create(&row).Error)
}

// Gateway returns one gateway, retired ones included, or portal.ErrNotFound.
func (tx *Tx) Gateway(id portal.GatewayID) (portal.Gateway, error) {
	var row gatewayRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Gateway{}, translate(err)
	}
	return row.gateway()
}

// LockGateway is Gateway, and keeps others from changing the row until the transaction ends.
func (tx *Tx) LockGateway(id portal.GatewayID) (portal.Gateway, error) {
	var row gatewayRow
	if err := tx.lockForChange().Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Gateway{}, translate(err)
	}
	return row.gateway()
}

// Gateways returns all gateways by name but the retired ones.
func (tx *Tx) Gateways() ([]portal.Gateway, error) {
	var rows []gatewayRow
	if err := tx.db.Where("state <> ?", string(portal.GatewayRetired)).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read gateways: %w", err)
	}
	gateways := make([]portal.Gateway, len(rows))
	for i, r := range rows {
		var err error
		if gateways[i], err = r.gateway(); err != nil {
			return nil, err
		}
	}
	return gateways, nil
}

// CountGateways returns how many gateways of a point of presence are not retired.
func (tx *Tx) CountGateways(pop portal.PoPID) (int, error) {
	var n int64
	err := tx.db.Model(&gatewayRow{}).Where("pop_id = ? AND state <> ?", string(pop), string(portal.GatewayRetired)).Count(&n).Error
	return int(n), err
}

// SetGatewayState moves a gateway to another state. It returns portal.ErrNotFound when it is not in one of the states from.
func (tx *Tx) SetGatewayState(id portal.GatewayID, to portal.GatewayState, from ...portal.GatewayState) error {
	return one(tx.db.Model(&gatewayRow{}).Where("id = ? AND state IN ?", string(id), from).Update("state", string(to)))
}

// RetireGateway takes a gateway's rights: its state, its certificates, and its name and key, which become free. It returns portal.ErrNotFound
// when there is none or it is retired already.
func (tx *Tx) RetireGateway(id portal.GatewayID) error {
	if err := tx.db.Where("gateway_id = ?", string(id)).Delete(&enrolTokenRow{}).Error; err != nil {
		return fmt.Errorf("delete enrolment tokens: %w", err)
	}
	return one(tx.db.Model(&gatewayRow{}).Where("id = ? AND state <> ?", string(id), string(portal.GatewayRetired)).Updates(map[string]any{
		"state": string(portal.GatewayRetired), "cert_serial": "", "name": string(id), "public_key": "",
	}))
}

// EnrolGateway gives a gateway its node: the public parts of its keys. A node from before loses its certificate, what it reported and,
// by the new epoch, its stream. It returns portal.ErrNotFound for a gateway that is retired.
func (tx *Tx) EnrolGateway(g portal.Gateway, epoch uint64) error {
	tx.emitted = true // portals look for streams of older epochs
	return one(tx.db.Model(&gatewayRow{}).Where("id = ? AND state <> ?", string(g.ID), string(portal.GatewayRetired)).Updates(map[string]any{
		"state": string(g.State), "public_key": g.PublicKey.String(), "cert_serial": g.CertSerial, "cert_ends": micros(g.CertEnds), "enrolled_at": micros(tx.Now),
		"stream_epoch": int64(epoch), "version": g.Version, "seen_at": int64(0), "applied": int64(0), "hash": "", "problem": "", "apply_for": int64(0),
		"openvpn_udp": int64(0), "openvpn_tcp": int64(0),
	}))
}

// SetNextSerial notes the certificate that follows the one in use; one that was noted before and not used is void.
func (tx *Tx) SetNextSerial(id portal.GatewayID, current, next string) error {
	return one(tx.db.Model(&gatewayRow{}).Where("id = ? AND (cert_serial = ? OR cert_serial LIKE ?)", string(id), current, current+" %").
		Update("cert_serial", current+" "+next))
}

// OpenStream gives a gateway's new stream an epoch above every other one's. serial is of the certificate that it shows; the first use of
// a renewed one makes the older one void. It returns portal.ErrNotFound when the gateway is not one that may have a stream, or
// the certificate is not its own. Other portals are woken, so that they close the stream from before.
func (tx *Tx) OpenStream(id portal.GatewayID, serial string, certEnds time.Time) (epoch uint64, err error) {
	if epoch, err = tx.NextEpoch(); err != nil {
		return 0, err
	}
	if err := tx.UseCertificate(id, serial, certEnds); err != nil {
		return 0, err
	}
	tx.emitted = true
	return epoch, one(tx.db.Model(&gatewayRow{}).Where("id = ?", string(id)).Update("stream_epoch", int64(epoch)))
}

// NextEpoch returns an epoch above that of every stream there ever was. It comes before the gateway's row, so that two portals take their
// locks in one order; the counter stays locked until the commit, so that epochs follow commit order.
func (tx *Tx) NextEpoch() (uint64, error) { return tx.countFrom0("streams") }

// countFrom0 raises a counter that its first use makes, and returns its new value; the row is locked until the transaction ends.
func (tx *Tx) countFrom0(name string) (value uint64, err error) {
	err = tx.db.Raw("INSERT INTO counters (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value", name).
		Scan(&value).Error
	if err != nil {
		return 0, fmt.Errorf("raise counter %s: %w", name, err)
	}
	return value, nil
}

// UseCertificate checks that serial is of a certificate that the gateway may use now, and makes it the one in use. It returns
// portal.ErrNotFound when it is not, or the gateway is pending or retired.
func (tx *Tx) UseCertificate(id portal.GatewayID, serial string, certEnds time.Time) error {
	if serial == "" || strings.ContainsAny(serial, " %_") {
		return portal.ErrNotFound
	}
	var row gatewayRow
	if err := tx.lockForChange().Select("cert_serial", "state").Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return translate(err)
	}
	if row.State != string(portal.GatewayActive) && row.State != string(portal.GatewayDraining) {
		return portal.ErrNotFound
	}
	current, next, _ := strings.Cut(row.CertSerial, " ")
	switch serial {
	case current:
		return nil
	case next:
		return one(tx.db.Model(&gatewayRow{}).Where("id = ?", string(id)).Updates(map[string]any{"cert_serial": next, "cert_ends": micros(certEnds)}))
	}
	return portal.ErrNotFound
}

// StreamCounters returns the newest epoch of all streams, and how often portals have noted live figures; 0: never.
func (tx *Tx) StreamCounters() (streams, live uint64, err error) {
	var rows []struct {
		Name  string
		Value uint64
	}
	if err := tx.db.Raw("SELECT name, value FROM counters WHERE name IN ('streams', 'live')").Scan(&rows).Error; err != nil {
		return 0, 0, fmt.Errorf("read counters of streams: %w", err)
	}
	for _, r := range rows {
		if r.Name == "streams" {
			streams = r.Value
		} else {
			live = r.Value
		}
	}
	return streams, live, nil
}

// NoteLive tells other portals that live figures have changed and returns how often that was said. Where there is only one portal it does
// nothing and returns 0.
func (tx *Tx) NoteLive() (uint64, error) {
	if tx.store.oneWriter() {
		return 0, nil
	}
	tx.emitted = true
	return tx.countFrom0("live")
}

// StreamEpochs returns the gateways whose newest stream has an epoch above after.
func (tx *Tx) StreamEpochs(after uint64) (map[portal.GatewayID]uint64, error) {
	var rows []gatewayRow
	if err := tx.db.Select("id", "stream_epoch").Where("stream_epoch > ?", int64(after)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read epochs of streams: %w", err)
	}
	epochs := make(map[portal.GatewayID]uint64, len(rows))
	for _, r := range rows {
		epochs[portal.GatewayID(r.ID)] = uint64(r.StreamEpoch)
	}
	return epochs, nil
}
