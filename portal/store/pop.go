package store

import (
	"fmt"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

type popRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	Country   string
	Latitude  float64
	Longitude float64
	Networks  string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (popRow) TableName() string { return "pops" }

func newPopRow(p portal.PoP) popRow {
	return popRow{
		ID: string(p.ID), Name: p.Name, Country: p.Country, Latitude: p.Latitude, Longitude: p.Longitude, Networks: list(p.Networks), CreatedAt: micros(p.CreatedAt),
	}
}

func (r popRow) pop() (portal.PoP, error) {
	p := portal.PoP{
		ID: portal.PoPID(r.ID), Name: r.Name, Country: r.Country, Latitude: r.Latitude, Longitude: r.Longitude, CreatedAt: fromMicros(r.CreatedAt),
	}
	var err error
	if p.Networks, err = fromList[netip.Prefix](r.Networks); err != nil {
		return p, fmt.Errorf("read point of presence %s: %w", r.ID, err)
	}
	return p, nil
}

// CreatePoP adds a point of presence. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreatePoP(p portal.PoP) error {
	row := newPopRow(p)
	return translate(tx.db.Create(&row).Error)
}

// UpdatePoP replaces all but the id and the time of creation. It returns portal.ErrNotFound or portal.ErrDuplicate.
func (tx *Tx) UpdatePoP(p portal.PoP) error {
	row := newPopRow(p)
	return one(tx.db.Model(&popRow{}).Where("id = ?", row.ID).Select("name", "country", "latitude", "longitude", "networks").Updates(row))
}

// DeletePoP removes a point of presence and its retired gateways. It returns portal.ErrNotFound.
func (tx *Tx) DeletePoP(id portal.PoPID) error {
	if err := tx.db.Where("pop_id = ? AND state = ?", string(id), string(portal.GatewayRetired)).Delete(&gatewayRow{}).Error; err != nil {
		return fmt.Errorf("delete retired gateways: %w", err)
	}
	return one(tx.db.Where("id = ?", string(id)).Delete(&popRow{}))
}

// PoP returns one point of presence or portal.ErrNotFound.
func (tx *Tx) PoP(id portal.PoPID) (portal.PoP, error) {
	var row popRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.PoP{}, translate(err)
	}
	return row.pop()
}

// LockPoP is PoP, and keeps others from changing it or adding a gateway to it until the transaction ends.
func (tx *Tx) LockPoP(id portal.PoPID) (portal.PoP, error) {
	var row popRow
	if err := tx.lockForUpdate().Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.PoP{}, translate(err)
	}
	return row.pop()
}

// PoPs returns all points of presence by name.
func (tx *Tx) PoPs() ([]portal.PoP, error) {
	var rows []popRow
	if err := tx.db.Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read points of presence: %w", err)
	}
	pops := make([]portal.PoP, len(rows))
	for i, r := range rows {
		var err error
		if pops[i], err = r.pop(); err != nil {
			return nil, err
		}
	}
	return pops, nil
}
