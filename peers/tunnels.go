package peers

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// CutUser drops the entries of all of the person's devices, in the transaction that suspends the person.
func (s *Service) CutUser(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	return setActive(tx, by, id, false, "tunnels.cut")
}

// RestoreUser puts the entries back, in the transaction that makes the person active again. Grants that have ended meanwhile stay ended.
func (s *Service) RestoreUser(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	return setActive(tx, by, id, true, "tunnels.restore")
}

// setActive does not ask the person's row, which the caller may change before or after.
func setActive(tx *store.Tx, by portal.Actor, id portal.UserID, active bool, action string) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	if err := p.devicesIf(ofUser(id), func(store.DeviceRecord) bool { return active }); err != nil || p.last == 0 {
		return err
	}
	return tx.Audit(by, action, userTarget(id), map[string]any{"revision": p.last})
}

// GroupsChanged compiles the person's entries again, in the transaction that changed memberships.
func (s *Service) GroupsChanged(tx *store.Tx, _ portal.Actor, id portal.UserID) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	return p.devices(ofUser(id))
}

// Recompile compares all of the feed log with what policy says and writes what differs. Every transaction leaves the log right, so this
// changes nothing, unless the database was changed by hand or restored from parts.
func (s *Service) Recompile(tx *store.Tx, by portal.Actor) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		if err := p.serve(profile); err != nil {
			return err
		}
	}
	rules, err := tx.Rules()
	if err != nil {
		return err
	}
	for _, r := range rules {
		if err := p.rule(r); err != nil {
			return err
		}
	}
	if err := p.devices(store.DeviceFilter{}); err != nil || p.last == 0 {
		return err
	}
	return tx.Audit(by, "policy.recompile", "policy", map[string]any{"revision": p.last})
}

// compiled counts the forms that the compiler has given to objects: raise it with each one that says the same in another way.
const compiled = 3

// Upgrade writes the feed log anew, in one transaction, when a portal of an earlier version has written it. Call it before anything follows the log.
func (s *Service) Upgrade(ctx context.Context) error {
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil {
			return err
		}
		version, err := tx.Compiled()
		if err != nil || version >= compiled {
			return err
		}
		if err := s.Recompile(tx, portal.System); err != nil {
			return err
		}
		return tx.SetCompiled(compiled)
	})
}

// LoggedOut ends the grants of the person's devices whose profile says that they end with the session at the provider, and returns how many
// were running. The devices stay, and the next sign-in renews them.
func (s *Service) LoggedOut(tx *store.Tx, by portal.Actor, id portal.UserID) (ended int, err error) {
	p, err := lockPolicy(tx)
	if err != nil {
		return 0, err
	}
	devices, err := tx.Devices(ofUser(id))
	if err != nil {
		return 0, err
	}
	var ids []portal.DeviceID
	for _, d := range devices {
		profile, err := p.profile(d.Profile)
		if err != nil {
			return 0, err
		}
		if profile.LogoutEndsGrants && d.Grant.NotAfter.After(tx.Now) {
			ids = append(ids, d.ID)
		}
	}
	if ended = len(ids); ended == 0 {
		return 0, nil
	}
	if err := tx.EndGrants(ids); err != nil {
		return 0, err
	}
	if err := p.devices(ofUser(id)); err != nil {
		return 0, err
	}
	return ended, tx.Audit(by, "grants.end", userTarget(id), map[string]any{"devices": ended, "revision": p.last})
}

// Renew extends the grants of all of the person's devices, in the transaction of a sign-in with a second factor.
func (s *Service) Renew(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	_, _, err := renew(tx, by, id)
	return err
}

// RenewGrants does the same in a transaction of its own; whether the web session is fresh enough was decided before. It returns how many
// devices were renewed and the earliest end among them, the zero time when there is none. Somebody else's needs portal.DevicesWrite.
func (s *Service) RenewGrants(ctx context.Context, by portal.Actor, user portal.UserID) (n int, notAfter time.Time, err error) {
	if user != by.User && !by.May(portal.DevicesWrite) {
		return 0, time.Time{}, portal.ErrNotFound
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		n, notAfter, err = renew(tx, by, user)
		return err
	})
	return n, notAfter, err
}

// renew lets every grant run for its profile's session length from now. The level stays: posture is not proved by a sign-in.
func renew(tx *store.Tx, by portal.Actor, user portal.UserID) (n int, earliest time.Time, err error) {
	p, err := lockPolicy(tx)
	if err != nil {
		return 0, time.Time{}, err
	}
	devices, err := tx.Devices(ofUser(user))
	if err != nil || len(devices) == 0 {
		return 0, time.Time{}, err
	}
	for _, d := range devices {
		profile, err := p.profile(d.Profile)
		if err != nil {
			return 0, time.Time{}, err
		}
		end := tx.Now.Add(sessionOf(profile))
		if err := tx.SetGrantEnd(d.ID, end); err != nil {
			return 0, time.Time{}, err
		}
		if by.User == user && !by.FactorAt.IsZero() {
			if err := tx.SetFactorAt(d.ID, by.FactorAt); err != nil {
				return 0, time.Time{}, err
			}
		}
		if earliest.IsZero() || end.Before(earliest) {
			earliest = end
		}
	}
	if err := p.devices(ofUser(user)); err != nil {
		return 0, time.Time{}, err
	}
	return len(devices), earliest, tx.Audit(by, "grants.renew", userTarget(user), map[string]any{"devices": len(devices), "notAfter": earliest})
}

// RevokeAll removes all of the person's devices, in the transaction that removes the person.
func (s *Service) RevokeAll(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	devices, err := tx.Devices(ofUser(id))
	if err != nil {
		return err
	}
	for _, d := range devices {
		if _, err := revoke(p, by, d); err != nil {
			return err
		}
	}
	return nil
}

func ofUser(id portal.UserID) store.DeviceFilter {
	return store.DeviceFilter{Users: []portal.UserID{id}}
}

func userTarget(id portal.UserID) string { return "user:" + string(id) }

// sessionOf is how long a grant of the profile lasts.
func sessionOf(p portal.Profile) time.Duration {
	if p.Session == 0 {
		return portal.DefaultSession
	}
	return p.Session
}
