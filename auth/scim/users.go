package scim

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// createUser makes the person whom a directory describes: the one who has the identity already, or a new one.
func (s *Service) createUser(ctx context.Context, c caller, doc object) (made portal.SCIMUser, err error) {
	subject, err := subjectOf(c.token, doc)
	if err != nil {
		return portal.SCIMUser{}, err
	}
	active := takeActive(doc, true)
	err = s.write(ctx, c, func(tx *store.Tx) error {
		id, err := ensurePerson(tx, c, subject, doc)
		if err != nil {
			return err
		}
		u, err := tx.LockSCIMUser(c.token.Issuer, id)
		known := err == nil
		switch {
		case known && u.DeletedAt.IsZero():
			return conflict("This directory has made the person already.")
		case !known && !errors.Is(err, portal.ErrNotFound):
			return err
		case !known:
			u = portal.SCIMUser{Issuer: c.token.Issuer, User: id, Active: true, CreatedAt: tx.Now}
		}
		u.Subject, u.DeletedAt, u.ChangedAt = subject, time.Time{}, tx.Now
		u.Version++
		if err := s.setActive(tx, c, &u, active); err != nil {
			return err
		}
		if err := fill(&u, doc); err != nil {
			return err
		}
		if known {
			err = tx.UpdateSCIMUser(u)
		} else {
			err = tx.CreateSCIMUser(u)
		}
		if err != nil {
			return err
		}
		if err := setProfile(tx, id, doc); err != nil {
			return err
		}
		made = u
		return tx.Audit(c.by, "scim.user.create", "user:"+string(id), map[string]any{"issuer": u.Issuer, "userName": str(doc, "userName"), "subject": subject, "active": active})
	})
	return made, err
}

// takeActive removes active from a document, since it is kept apart; otherwise is what it means when it is not there.
func takeActive(doc object, otherwise bool) bool {
	if b, ok := doc["active"].(bool); ok {
		otherwise = b
	}
	delete(doc, "active")
	return otherwise
}

func ensurePerson(tx *store.Tx, c caller, subject string, doc object) (portal.UserID, error) {
	person := portal.User{
		ID: portal.NewID[portal.UserID](tx.Now), Name: nameOf(doc), Email: emailOf(doc), Role: portal.RoleUser, State: portal.UserActive, CreatedAt: tx.Now,
	}
	if subject == "" {
		return person.ID, tx.CreateUser(person)
	}
	user, created, err := tx.EnsureIdentity(c.token.Issuer, subject, person)
	if err != nil || !created {
		return user.ID, err
	}
	return user.ID, tx.Audit(c.by, "user.create", "user:"+string(user.ID), map[string]string{"issuer": c.token.Issuer})
}

// setActive suspends the person or undoes it. What an administrator suspended stays so: a directory repeats active:true at every change of
// a telephone number.
func (s *Service) setActive(tx *store.Tx, c caller, u *portal.SCIMUser, active bool) error {
	switch {
	case !active:
		changed, err := s.Accounts.Deactivate(tx, c.by, u.User)
		if err != nil {
			return err
		}
		u.Cut = u.Cut || changed
	case !u.Active && u.Cut:
		if _, err := s.Accounts.Reactivate(tx, c.by, u.User); err != nil {
			return err
		}
		u.Cut = false
	}
	u.Active = active
	return nil
}

// setProfile writes the name and address that everybody sees.
func setProfile(tx *store.Tx, id portal.UserID, doc object) error {
	user, err := tx.LockUser(id)
	if err != nil {
		return err
	}
	name, email := nameOf(doc), emailOf(doc)
	if user.Name == name && user.Email == email {
		return nil
	}
	user.Name, user.Email = name, email
	return tx.UpdateUser(user)
}

// changeUser runs change on a person's document. A change that changes nothing keeps the version.
func (s *Service) changeUser(ctx context.Context, c caller, id portal.UserID, change func(doc object) (object, error)) (after portal.SCIMUser, err error) {
	err = s.write(ctx, c, func(tx *store.Tx) error {
		u, err := lockShown(tx, c, id)
		if err != nil {
			return err
		}
		before, err := document(u)
		if err != nil {
			return err
		}
		given := clone(before).(object)
		given["active"] = u.Active
		doc, err := change(given)
		if err != nil {
			return err
		}
		active, was := takeActive(doc, u.Active), u.Active
		if err := checkUser(doc); err != nil {
			return err
		}
		if err := s.setActive(tx, c, &u, active); err != nil {
			return err
		}
		changed := changedNames(before, doc)
		if active != was {
			changed = append(changed, "active")
		}
		if len(changed) == 0 {
			after = u
			return nil
		}
		if err := s.moveIdentity(tx, c, &u, doc); err != nil {
			return err
		}
		if err := fill(&u, doc); err != nil {
			return err
		}
		u.ChangedAt = tx.Now
		u.Version++
		if err := tx.UpdateSCIMUser(u); err != nil {
			return err
		}
		if err := setProfile(tx, id, doc); err != nil {
			return err
		}
		after = u
		return tx.Audit(c.by, "scim.user.update", "user:"+string(id), map[string]any{"changed": changed, "active": active})
	})
	return after, err
}

// changedNames are the attributes that differ, sorted.
func changedNames(a, b object) (names []string) {
	for _, at := range userSchema.subs {
		if !reflect.DeepEqual(a[at.name], b[at.name]) {
			names = append(names, at.name)
		}
	}
	return names
}

// moveIdentity follows a change of the attribute that is the subject: the account of before no longer belongs to the person.
func (s *Service) moveIdentity(tx *store.Tx, c caller, u *portal.SCIMUser, doc object) error {
	subject, err := subjectOf(c.token, doc)
	if err != nil || subject == u.Subject {
		return err
	}
	if subject != "" {
		owner, err := tx.UserByIdentity(c.token.Issuer, subject)
		switch {
		case errors.Is(err, portal.ErrNotFound):
			if err := tx.LinkIdentity(portal.Identity{Issuer: c.token.Issuer, Subject: subject, User: u.User}); err != nil {
				return err
			}
		case err != nil:
			return err
		case owner.ID != u.User:
			return conflict("The account %q is somebody else's.", clip(subject))
		}
	}
	if u.Subject != "" {
		if err := tx.UnlinkIdentity(u.User, c.token.Issuer, u.Subject); err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		if err := s.Accounts.EndAccess(tx, c.by, u.User); err != nil {
			return err
		}
	}
	if err := tx.Audit(c.by, "user.identity", "user:"+string(u.User), map[string]string{"issuer": c.token.Issuer, "from": u.Subject, "to": subject}); err != nil {
		return err
	}
	u.Subject = subject
	return nil
}

// lockShown returns a person that the directory may change, in the version that it knows.
func lockShown(tx *store.Tx, c caller, id portal.UserID) (portal.SCIMUser, error) {
	u, err := tx.LockSCIMUser(c.token.Issuer, id)
	if err != nil {
		return portal.SCIMUser{}, err
	}
	if !u.DeletedAt.IsZero() {
		return portal.SCIMUser{}, errNotFound
	}
	return u, c.fresh(u.Version)
}

// deleteUser suspends the person, revokes their devices, and hides them from the directory. The person and their identity stay, so that
// the trail makes sense and nobody comes in by the same account as somebody new.
func (s *Service) deleteUser(ctx context.Context, c caller, id portal.UserID) error {
	return s.write(ctx, c, func(tx *store.Tx) error {
		if err := tx.LockSCIMGroupsOf(c.token.Issuer, id); err != nil {
			return err
		}
		u, err := lockShown(tx, c, id)
		if err != nil {
			return err
		}
		if err := s.setActive(tx, c, &u, false); err != nil {
			return err
		}
		left, err := tx.LeaveSCIMGroups(c.token.Issuer, id)
		if err != nil {
			return err
		}
		if err := s.Tunnels.RevokeAll(tx, c.by, id); err != nil {
			return err
		}
		u.DeletedAt, u.ChangedAt = tx.Now, tx.Now
		u.Version++
		if err := tx.UpdateSCIMUser(u); err != nil {
			return err
		}
		return tx.Audit(c.by, "scim.user.delete", "user:"+string(id), map[string]any{"userName": u.UserName, "groups": len(left)})
	})
}

// readUser returns a person that the directory keeps.
func (s *Service) readUser(ctx context.Context, c caller, id portal.UserID) (u portal.SCIMUser, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		u, err = tx.SCIMUser(c.token.Issuer, id)
		return err
	})
	if err == nil && !u.DeletedAt.IsZero() {
		err = errNotFound
	}
	return u, err
}

// scanBatch is how many rows are read at a time where a filter must look at each.
const scanBatch = 500

// listUsers finds people. Equality of id, userName or externalId is found by an index; other filters look at everybody the directory keeps.
func (s *Service) listUsers(ctx context.Context, c caller, p page) (total int, found []object, err error) {
	q := store.SCIMQuery{Issuer: c.token.Issuer}
	if id, ok := required(p.where, "id"); ok {
		if q.User = portal.UserID(id); !plainID(id) {
			return 0, nil, nil
		}
	}
	q.UserName, _ = required(p.where, "userName")
	q.ExternalID, _ = required(p.where, "externalId")
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if p.where == nil {
			if total, err = tx.CountSCIMUsers(q); err != nil || p.count == 0 {
				return err
			}
			users, err := tx.SCIMUsers(q, "", p.start-1, p.count)
			if err != nil {
				return err
			}
			for _, u := range users {
				o, err := s.userResource(u)
				if err != nil {
					return err
				}
				found = append(found, p.shape.of(o))
			}
			return nil
		}
		total, found, err = s.scanUsers(tx, q, p)
		return err
	})
	return total, found, err
}

func (s *Service) scanUsers(tx *store.Tx, q store.SCIMQuery, p page) (total int, found []object, err error) {
	var after portal.UserID
	for {
		users, err := tx.SCIMUsers(q, after, 0, scanBatch)
		if err != nil {
			return 0, nil, err
		}
		for _, u := range users {
			o, err := s.userResource(u)
			if err != nil {
				return 0, nil, err
			}
			if !p.where.matches(o) {
				continue
			}
			if total++; total >= p.start && len(found) < p.count {
				found = append(found, p.shape.of(o))
			}
		}
		if len(users) < scanBatch {
			return total, found, nil
		}
		after = users[len(users)-1].User
	}
}
