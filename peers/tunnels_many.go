package peers

import (
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ManyGroupsChanged is GroupsChanged for any number of people whose membership in one group changed. A group that no rule and no profile
// names decides nothing, so then nothing is compiled; that is asked under the feed lock, under which rules and profiles change.
func (s *Service) ManyGroupsChanged(tx *store.Tx, _ portal.Actor, group portal.GroupID, ids []portal.UserID) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	unused, err := isUnused(tx, group)
	if err != nil || unused {
		return err
	}
	if ids, err = tx.WithDevices(ids); err != nil {
		return err
	}
	for part := range slices.Chunk(ids, batch) {
		if err := p.devices(store.DeviceFilter{Users: part}); err != nil {
			return err
		}
	}
	return nil
}

// GroupUnused reports, until the transaction ends, that no rule and no profile names the group.
func (s *Service) GroupUnused(tx *store.Tx, group portal.GroupID) (bool, error) {
	if err := tx.LockFeed(); err != nil {
		return false, err
	}
	return isUnused(tx, group)
}

func isUnused(tx *store.Tx, group portal.GroupID) (bool, error) {
	used, err := tx.GroupInUse(group)
	if err != nil || used {
		return false, err
	}
	profiles, err := tx.Profiles()
	return !slices.ContainsFunc(profiles, func(p portal.Profile) bool { return slices.Contains(p.Groups, group) }), err
}
