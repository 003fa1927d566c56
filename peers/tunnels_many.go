package peers

import (
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// PeopleChanged is GroupsChanged for any number of people.
func (s *Service) PeopleChanged(tx *store.Tx, _ portal.Actor, ids []portal.UserID) error {
	if len(ids) == 0 {
		return nil
	}
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	return p.people(ids)
}

// people compiles the entries of all devices of these people.
func (p *policy) people(ids []portal.UserID) error {
	ids, err := p.tx.WithDevices(ids)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, batch) {
		if err := p.devices(store.DeviceFilter{Users: part}); err != nil {
			return err
		}
	}
	return nil
}

// GroupUnused reports, until the transaction ends, that nothing names the group.
func (s *Service) GroupUnused(tx *store.Tx, group portal.GroupID) (bool, error) {
	if err := tx.LockFeed(); err != nil {
		return false, err
	}
	uses, err := tx.GroupUses(group)
	return len(uses) == 0, err
}
