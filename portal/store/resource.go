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

	Requestable bool
	Approvers   string

	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (resourceRow) TableName() string { return "resources" }

type resourceTagRow struct {
	ResourceID string `gorm:"primaryKey"`
	Tag        string `gorm:"primaryKey"`
}

func (resourceTagRow) TableName() string { return "resource_tags" }

func newResourceRow(r portal.Resource) resourceRow {
	return resourceRow{
		ID: string(r.ID), Name: r.Name, Prefixes: list(r.Prefixes), Transport: string(r.Transport), Ports: list(r.Ports),
		Requestable: r.Requestable, Approvers: string(r.Approvers), CreatedAt: micros(r.CreatedAt),
	}
}

func (r resourceRow) resource() (portal.Resource, error) {
	prefixes, err1 := fromList[netip.Prefix](r.Prefixes)
	ports, err2 := fromList[portal.PortRange](r.Ports)
	if err := errors.Join(err1, err2); err != nil {
		return portal.Resource{}, fmt.Errorf("read resource %s: %w", r.ID, err)
	}
	return portal.Resource{
		ID: portal.ResourceID(r.ID), Name: r.Name, Prefixes: prefixes, Transport: portal.Transport(r.Transport), Ports: ports,
		Requestable: r.Requestable, Approvers: portal.GroupID(r.Approvers), CreatedAt: fromMicros(r.CreatedAt),
	}, nil
}

// CreateResource adds a resource. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateResource(r portal.Resource) error {
	row := newResourceRow(r)
	if err := tx.db.Create(&row).Error; err != nil {
		return translate(err)
	}
	return tx.tagResource(r)
}

// UpdateResource replaces a resource. It returns portal.ErrNotFound, or portal.ErrDuplicate when the name is taken.
func (tx *Tx) UpdateResource(r portal.Resource) error {
	row := newResourceRow(r)
	if err := one(tx.db.Model(&resourceRow{}).Where("id = ?", row.ID).Select("*").Omit("id", "created_at").Updates(&row)); err != nil {
		return err
	}
	if err := tx.db.Where("resource_id = ?", row.ID).Delete(&resourceTagRow{}).Error; err != nil {
		return fmt.Errorf("change tags of resource %s: %w", r.ID, err)
	}
	return tx.tagResource(r)
}

func (tx *Tx) tagResource(r portal.Resource) error {
	if len(r.Tags) == 0 {
		return nil
	}
	rows := make([]resourceTagRow, len(r.Tags))
	for i, t := range r.Tags {
		rows[i] = resourceTagRow{ResourceID: string(r.ID), Tag: t}
	}
	if err := tx.db.Create(&rows).Error; err != nil {
		return fmt.Errorf("tag resource %s: %w", r.ID, err)
	}
	return nil
}

// ResourceInUse reports whether a rule names the resource itself.
func (tx *Tx) ResourceInUse(id portal.ResourceID) (bool, error) {
	var n int64
	if err := tx.db.Raw("SELECT COUNT(*) FROM rule_resources WHERE resource_id = ?", string(id)).Scan(&n).Error; err != nil {
		return false, fmt.Errorf("find rules with resource %s: %w", id, err)
	}
	return n > 0, nil
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
	all, err := tx.resources([]resourceRow{row})
	if err != nil {
		return portal.Resource{}, err
	}
	return all[0], nil
}

// Resources returns every resource, by name.
func (tx *Tx) Resources() ([]portal.Resource, error) {
	var rows []resourceRow
	if err := tx.db.Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return tx.resources(rows)
}

// ResourcesOfRule returns the resources that a rule names, itself or by a tag, in the order of their ids.
func (tx *Tx) ResourcesOfRule(id portal.RuleID) ([]portal.Resource, error) {
	var rows []resourceRow
	err := tx.db.Raw(`SELECT r.* FROM resources r WHERE r.id IN (SELECT resource_id FROM rule_resources WHERE rule_id = ?
		UNION SELECT g.resource_id FROM resource_tags g JOIN rule_tags x ON x.tag = g.tag WHERE x.rule_id = ?) ORDER BY r.id`,
		string(id), string(id)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read resources of rule %s: %w", id, err)
	}
	return tx.resources(rows)
}

// MissingResources returns those of ids that are no resource.
func (tx *Tx) MissingResources(ids []portal.ResourceID) ([]portal.ResourceID, error) {
	return missing(tx, "resources", ids)
}

// resources gives rows their tags.
func (tx *Tx) resources(rows []resourceRow) ([]portal.Resource, error) {
	all, at := make([]portal.Resource, len(rows)), make(map[string]int, len(rows))
	for i, row := range rows {
		r, err := row.resource()
		if err != nil {
			return nil, err
		}
		all[i], at[row.ID] = r, i
	}
	if len(rows) == 0 {
		return all, nil
	}
	q := tx.db.Order("tag")
	if len(rows) == 1 {
		q = q.Where("resource_id = ?", rows[0].ID)
	}
	var tags []resourceTagRow
	if err := q.Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("read tags of resources: %w", err)
	}
	for _, t := range tags {
		if i, there := at[t.ResourceID]; there {
			all[i].Tags = append(all[i].Tags, t.Tag)
		}
	}
	return all, nil
}
