package store

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

type resourceRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	Prefixes  string
	Transport string
	Ports     string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (resourceRow) TableName() string { return "resources" }

func newResourceRow(r portal.Resource) resourceRow {
	return resourceRow{
		ID: string(r.ID), Name: r.Name, Prefixes: list(r.Prefixes), Transport: string(r.Transport), Ports: list(r.Ports), CreatedAt: micros(r.CreatedAt),
	}
}

func (r resourceRow) resource() (portal.Resource, error) {
	prefixes, err1 := fromList[netip.Prefix](r.Prefixes)
	ports, err2 := fromList[portal.PortRange](r.Ports)
	if err := errors.Join(err1, err2); err != nil {
		return portal.Resource{}, fmt.Errorf("read resource %s: %w", r.ID, err)
	}
	return portal.Resource{
		ID: portal.ResourceID(r.ID), Name: r.Name, Prefixes: prefixes, Transport: portal.Transport(r.Transport), Ports: ports, CreatedAt: fromMicros(r.CreatedAt),
	}, nil
}

// CreateResource adds a resource. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateResource(r portal.Resource) error {
	row := newResourceRow(r)
	return translate(tx.db.Create(&row).Error)
}

// UpdateResource replaces a resource. It returns portal.ErrNotFound, or portal.ErrDuplicate when the name is taken.
func (tx *Tx) UpdateResource(r portal.Resource) error {
	row := newResourceRow(r)
	return one(tx.db.Model(&resourceRow{}).Where("id = ?", row.ID).Select("*").Omit("id", "created_at").Updates(&row))
}

// DeleteResource removes a resource that no rule names.
func (tx *Tx) DeleteResource(id portal.ResourceID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&resourceRow{}))
}

// Resource returns one resource, or portal.ErrNotFound.
func (tx *Tx) Resource(id portal.ResourceID) (portal.Resource, error) {
	var row resourceRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Resource{}, translate(err)
	}
	return row.resource()
}

// Resources returns every resource, by name.
func (tx *Tx) Resources() ([]portal.Resource, error) {
	var rows []resourceRow
	if err := tx.db.Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return resources(rows)
}

// ResourcesOfRule returns the resources that a rule names, in the order of their ids.
func (tx *Tx) ResourcesOfRule(id portal.RuleID) ([]portal.Resource, error) {
	var rows []resourceRow
	err := tx.db.Raw("SELECT r.* FROM resources r JOIN rule_resources x ON x.resource_id = r.id WHERE x.rule_id = ? ORDER BY r.id", string(id)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read resources of rule %s: %w", id, err)
	}
	return resources(rows)
}

// MissingResources returns those of ids that are no resource.
func (tx *Tx) MissingResources(ids []portal.ResourceID) ([]portal.ResourceID, error) {
	return missing(tx, "resources", ids)
}

func resources(rows []resourceRow) ([]portal.Resource, error) {
	all := make([]portal.Resource, len(rows))
	for i, row := range rows {
		r, err := row.resource()
		if err != nil {
			return nil, err
		}
		all[i] = r
	}
	return all, nil
}
