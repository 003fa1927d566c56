package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// loaded are the providers of the database that this process has met, so that what they say of themselves is not asked for at each sign-in.
// Whether a provider is there, enabled and unchanged is read from the database each time.
type loaded struct {
	mu   sync.Mutex
	by   map[string]*Provider
	once sync.Once
	web  *http.Client
}

// provider returns the provider with an id, of the configuration or of the database, as it is now. It returns ErrNoProvider.
func (s *Service) provider(ctx context.Context, id string) (*Provider, error) {
	if p := s.configured(id); p != nil {
		return p, nil
	}
	if !usableProviderID(id) {
		return nil, ErrNoProvider
	}
	var row portal.IdentityProvider
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Provider(id)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) || err == nil && !row.Enabled {
		return nil, ErrNoProvider
	}
	if err != nil {
		return nil, fmt.Errorf("read provider %s: %w", id, err)
	}
	s.loaded.mu.Lock()
	defer s.loaded.mu.Unlock()
	if p := s.loaded.by[id]; p != nil && p.version == row.Version {
		return p, nil
	}
	secret, err := s.openProviderSecret(row)
	if err != nil {
		return nil, err
	}
	p := s.fromSettings(id, row.Settings, secret)
	p.version = row.Version
	if s.loaded.by == nil {
		s.loaded.by = map[string]*Provider{}
	}
	s.loaded.by[id] = p
	return p, nil
}

// stillThere returns a refusal when a provider of the database was deleted, disabled or changed since an answer of it began to be read, and
// keeps it as it is until the transaction ends: who deletes a provider ends all that came by it.
func (p *Provider) stillThere(tx *store.Tx) error {
	if p.version == 0 {
		return nil
	}
	version, err := tx.HoldProvider(p.ID)
	if errors.Is(err, portal.ErrNotFound) || err == nil && version != p.version {
		return refuse(ErrSignInEnded, "provider_changed", nil)
	}
	return err
}

func (s *Service) configured(id string) *Provider {
	for _, p := range s.Providers {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (s *Service) openProviderSecret(row portal.IdentityProvider) (portal.Secret, error) {
	if len(row.Sealed) == 0 {
		return portal.Secret{}, nil
	}
	plain, err := s.Keys.Open(row.Sealed, providerPlace(row.ID))
	if err != nil {
		return portal.Secret{}, fmt.Errorf("open client secret of provider %s: %w", row.ID, err)
	}
	return portal.NewSecretText(string(plain)), nil
}

func providerPlace(id string) string { return "identity_providers/" + id }

// fromSettings makes a provider of what an admin entered. It is asked through the guard.
func (s *Service) fromSettings(id string, in portal.ProviderSettings, secret portal.Secret) *Provider {
	s.loaded.once.Do(func() { s.loaded.web = guardedClient(s.ProviderNetworks) })
	p := &Provider{
		ID: id, Name: in.Name, Issuer: in.Issuer, ClientID: in.ClientID, ClientSecret: secret, Scopes: in.Scopes,
		SubjectClaim: in.SubjectClaim, NameClaim: in.NameClaim, EmailClaim: in.EmailClaim, EmailTrusted: in.EmailTrusted, GroupsClaim: in.GroupsClaim,
		OwnerGroups: in.OwnerGroups, AdminGroups: in.AdminGroups,
		StaffGroups: StaffGroups{NetworkAdmin: in.NetworkAdminGroups, HelpDesk: in.HelpDeskGroups, Auditor: in.AuditorGroups},
		Domains:     in.Domains, Create: in.Create, Prompt: in.Prompt, ACRValues: in.ACRValues, Logout: in.Logout,
		TrustAMR: in.TrustAMR, TrustACR: in.TrustACR, Client: s.loaded.web,
	}
	if in.MaxAge != nil {
		age := time.Duration(*in.MaxAge) * time.Second
		p.MaxAge = &age
	}
	return p
}

// SignInOptions returns the providers of the configuration in its order, then those of the database that are enabled, oldest first.
func (s *Service) SignInOptions(ctx context.Context) ([]SignInOption, error) {
	var rows []portal.IdentityProvider
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Providers()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list ways to sign in: %w", err)
	}
	options := make([]SignInOption, 0, len(s.Providers)+len(rows))
	for _, p := range s.Providers {
		options = append(options, SignInOption{p.ID, p.Name})
	}
	for _, r := range rows {
		if taken := slices.ContainsFunc(options, func(o SignInOption) bool { return o.ID == r.ID }); r.Enabled && !taken {
			options = append(options, SignInOption{r.ID, r.Settings.Name})
		}
	}
	return options, nil
}
