package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// maxProviders bounds the buttons of the sign-in page.
const maxProviders = 50

// ProviderInput is what an admin enters. Secret is nil to keep the one that is there.
type ProviderInput struct {
	Enabled  bool
	Settings portal.ProviderSettings
	Secret   *portal.Secret // zero for none: a public client
}

// ProviderView is a provider as an admin sees it: never with its secret.
type ProviderView struct {
	portal.IdentityProvider
	FromFile  bool // of the configuration file: it can't be changed here
	HasSecret bool
	Redirect  string // what to register with the provider
	Sessions  int    // that it began and that are live
	People    int    // whose those are
}

// IdentityProviders returns all providers, those of the configuration first.
func (s *Service) IdentityProviders(ctx context.Context, by portal.Actor) ([]ProviderView, error) {
	if err := Allow(by, SettingsRead, s.now()); err != nil {
		return nil, err
	}
	var all []ProviderView
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		all = nil
		for _, p := range s.Providers {
			all = append(all, ProviderView{
				IdentityProvider: portal.IdentityProvider{ID: p.ID, Enabled: true, Settings: p.settings()}, FromFile: true, HasSecret: !p.ClientSecret.IsZero(),
			})
		}
		rows, err := tx.Providers()
		if err != nil {
			return err
		}
		for _, r := range rows {
			if s.configured(r.ID) == nil {
				all = append(all, ProviderView{IdentityProvider: r, HasSecret: len(r.Sealed) > 0})
			}
		}
		live, err := tx.CountSessions(tx.Now.Add(-s.Limits.withDefaults().Idle))
		for i := range all {
			one := &all[i]
			one.Redirect = s.RedirectURI(one.ID)
			one.Sessions, one.People = live[one.ID].Sessions, live[one.ID].People
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list identity providers: %w", err)
	}
	return all, nil
}

// settings is a provider of the configuration as one of the database would be.
func (p *Provider) settings() portal.ProviderSettings {
	out := portal.ProviderSettings{
		Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.scopes()[1:], SubjectClaim: p.SubjectClaim, NameClaim: p.NameClaim,
		EmailClaim: p.EmailClaim, EmailTrusted: p.EmailTrusted, GroupsClaim: p.GroupsClaim, OwnerGroups: p.OwnerGroups, AdminGroups: p.AdminGroups,
		NetworkAdminGroups: p.StaffGroups.NetworkAdmin, HelpDeskGroups: p.StaffGroups.HelpDesk, AuditorGroups: p.StaffGroups.Auditor,
		Domains: p.Domains, Create: p.Create, Prompt: p.Prompt, ACRValues: p.ACRValues, Logout: p.Logout, TrustAMR: p.TrustAMR, TrustACR: p.TrustACR,
	}
	if p.MaxAge != nil {
		n := int(p.MaxAge.Seconds())
		out.MaxAge = &n
	}
	return out
}

// AddProvider adds a provider. It returns ErrProviderTaken, ErrTooManyProviders or an invalid-input error. Nothing is asked of the provider:
// TryProvider does that.
func (s *Service) AddProvider(ctx context.Context, by portal.Actor, id string, in ProviderInput) error {
	if err := Allow(by, SettingsWrite, s.now()); err != nil {
		return err
	}
	row := portal.IdentityProvider{ID: id, Enabled: in.Enabled, Settings: in.Settings}
	secret := portal.Secret{}
	if in.Secret != nil {
		secret = *in.Secret
	}
	if err := portal.InvalidFields(s.fromSettings(id, in.Settings, secret).wrong()...); err != nil {
		return err
	}
	if s.configured(id) != nil {
		return ErrProviderTaken
	}
	var err error
	if row.Sealed, err = s.sealProviderSecret(id, secret); err != nil {
		return err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockProviders(); err != nil {
			return err
		}
		all, err := tx.Providers()
		if err != nil {
			return err
		}
		if len(all) >= maxProviders {
			return ErrTooManyProviders
		}
		if err := s.oneNotion(tx, portal.IdentityProvider{ID: id}, in.Settings); err != nil {
			return err
		}
		if err := tx.CreateProvider(row); err != nil {
			return err
		}
		return tx.Audit(by, "provider.create", "provider:"+id, toldProvider(row, false))
	})
	if errors.Is(err, portal.ErrDuplicate) {
		return ErrProviderTaken
	}
	if err != nil {
		return fmt.Errorf("add provider %s: %w", id, err)
	}
	return nil
}

func (s *Service) sealProviderSecret(id string, secret portal.Secret) ([]byte, error) {
	if secret.IsZero() {
		return nil, nil
	}
	return s.Keys.Seal([]byte(secret.Reveal()), providerPlace(id))
}

// UpdateProvider replaces a provider's settings. The secret that is there is kept only for the same client of the same issuer: else whoever
// changes the issuer would be told it by the next sign-in. One that is disabled ends the sessions that it began. It returns
// portal.ErrNotFound, ErrProviderFromFile, ErrOwnProvider, ErrSecretNeeded or an invalid-input error.
func (s *Service) UpdateProvider(ctx context.Context, by portal.Actor, id string, in ProviderInput) error {
	if err := s.mayChangeProvider(by, id); err != nil {
		return err
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockProviders(); err != nil {
			return err
		}
		old, err := tx.LockProvider(id)
		if err != nil {
			return err
		}
		row, secret, err := s.draft(old, in)
		if err != nil {
			return err
		}
		if err := portal.InvalidFields(s.fromSettings(id, in.Settings, secret).wrong()...); err != nil {
			return err
		}
		if err := s.oneNotion(tx, old, in.Settings); err != nil {
			return err
		}
		if err := tx.UpdateProvider(row); err != nil {
			return err
		}
		if old.Enabled && !row.Enabled {
			if err := notOwnWayIn(tx, by, id); err != nil {
				return err
			}
			ended, err := tx.EndSessionsOf(id)
			if err != nil {
				return err
			}
			if err := tx.Audit(by, "session.end_all", "provider:"+id, map[string]int{"sessions": ended}); err != nil {
				return err
			}
		}
		return tx.Audit(by, "provider.update", "provider:"+id, store.Changed{Now: toldProvider(row, in.Secret != nil), Before: toldProvider(old, false)})
	})
	if err != nil {
		return fmt.Errorf("update provider %s: %w", id, err)
	}
	return nil
}

// draft is a provider after a change, and its secret.
func (s *Service) draft(old portal.IdentityProvider, in ProviderInput) (portal.IdentityProvider, portal.Secret, error) {
	row := old
	row.Enabled, row.Settings = in.Enabled, in.Settings
	if in.Secret != nil {
		sealed, err := s.sealProviderSecret(old.ID, *in.Secret)
		row.Sealed = sealed
		return row, *in.Secret, err
	}
	if len(old.Sealed) > 0 && (old.Settings.Issuer != in.Settings.Issuer || old.Settings.ClientID != in.Settings.ClientID) {
		return row, portal.Secret{}, ErrSecretNeeded
	}
	secret, err := s.openProviderSecret(old)
	return row, secret, err
}

func (s *Service) mayChangeProvider(by portal.Actor, id string) error {
	switch err := Allow(by, SettingsWrite, s.now()); {
	case err != nil:
		return err
	case s.configured(id) != nil:
		return ErrProviderFromFile
	case !usableProviderID(id):
		return portal.ErrNotFound
	}
	return nil
}

// notOwnWayIn keeps an admin from closing the door that they came in by: whoever came in by another one can.
func notOwnWayIn(tx *store.Tx, by portal.Actor, id string) error {
	if by.Session == "" {
		return nil
	}
	session, err := tx.Session(by.Session)
	if err == nil && session.Provider == id {
		return ErrOwnProvider
	}
	return ignoreNotFound(err)
}

// DeleteProvider removes a provider, ends the sessions that it began, and takes away the groups and roles that its claims gave. People and
// their devices stay. It returns portal.ErrNotFound, ErrProviderFromFile, ErrOwnProvider, or ErrLastOwner when nobody would be left to do what
// somebody does by a role of its claims.
func (s *Service) DeleteProvider(ctx context.Context, by portal.Actor, id string) error {
	if err := s.mayChangeProvider(by, id); err != nil {
		return err
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		old, err := tx.LockProvider(id)
		if err != nil {
			return err
		}
		if err := notOwnWayIn(tx, by, id); err != nil {
			return err
		}
		told := map[string]any{"name": old.Settings.Name, "issuer": old.Settings.Issuer, "clientId": old.Settings.ClientID}
		if told["roles"], err = s.takeRolesBack(tx, by, id); err != nil {
			return err
		}
		// The rows of sessions and memberships before the feed log: whoever signs in locks them in that order.
		if told["sessions"], err = tx.EndSessionsOf(id); err != nil {
			return err
		}
		memberships, changed, err := tx.DropSource(portal.SourceOf(id))
		if err != nil {
			return err
		}
		told["memberships"], told["people"] = memberships, len(changed)
		if err := s.Tunnels.PeopleChanged(tx, by, changed); err != nil {
			return err
		}
		if err := tx.DeleteProvider(id); err != nil {
			return err
		}
		return tx.Audit(by, "provider.delete", "provider:"+id, told)
	})
	if err != nil {
		return fmt.Errorf("delete provider %s: %w", id, err)
	}
	return nil
}

// takeRolesBack makes plain users of those whom the claims of a provider gave a role, and returns how many.
func (s *Service) takeRolesBack(tx *store.Tx, by portal.Actor, id string) (int, error) {
	powerful, err := tx.LockPrivileged(portal.StaffRoles()...)
	if err != nil {
		return 0, err
	}
	own := (&Provider{ID: id}).roleSource()
	var taken, left []portal.User
	for _, u := range powerful {
		from, err := tx.RoleSource(u.ID)
		if err != nil {
			return 0, err
		}
		if from == own {
			taken = append(taken, u)
		} else if u.State == portal.UserActive {
			left = append(left, u)
		}
	}
	for _, u := range taken {
		if isLast(u, left) {
			return 0, ErrLastOwner
		}
		if err := takeRoleBack(tx, by, u, "provider.delete"); err != nil {
			return 0, err
		}
	}
	return len(taken), nil
}

func takeRoleBack(tx *store.Tx, by portal.Actor, u portal.User, why string) error {
	if err := tx.SetRole(u.ID, portal.RoleUser, store.RoleLocal); err != nil {
		return err
	}
	return tx.Audit(by, "user.role", target(u.ID), map[string]string{"from": string(u.Role), "to": string(portal.RoleUser), "by": why})
}

// toldProvider is a provider as the audit trail tells of it: that there is a secret, and never which.
func toldProvider(p portal.IdentityProvider, newSecret bool) map[string]any {
	told := map[string]any{}
	if text, err := json.Marshal(p.Settings); err == nil {
		_ = json.Unmarshal(text, &told)
	}
	told["enabled"] = p.Enabled
	told["clientSecret"] = len(p.Sealed) > 0
	if newSecret {
		told["clientSecretChanged"] = true
	}
	return told
}

// resealProviders seals client secrets anew.
func (s *Service) resealProviders(ctx context.Context) (done int, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		done = 0
		all, err := tx.Providers()
		if err != nil {
			return err
		}
		for _, p := range all {
			if len(p.Sealed) == 0 {
				continue
			}
			changed, err := s.reseal(p.Sealed, providerPlace(p.ID), func(sealed []byte) error { return tx.ResealProvider(p.ID, p.Sealed, sealed) })
			if err != nil {
				return fmt.Errorf("provider %s: %w", p.ID, err)
			}
			done += changed
		}
		return nil
	})
	return done, err
}
