package peers

import (
	"context"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// ProfileInput is a profile as typed. An update replaces all of it.
type ProfileInput struct {
	Name        string
	Description string
	Mode        portal.Mode
	Included    []string // prefixes without host bits, at most 1000
	Excluded    []string // the same
	DNS         []string
	Search      []string
	MTU         int           // bytes; 0: portal.DefaultMTU
	Keepalive   time.Duration // whole seconds; 0: none
	Session     time.Duration // whole seconds; 0: portal.DefaultSession
	MaxDevices  int           // per person; 0: no limit
	Pool        portal.PoolID // "": the only or first pool
	Groups      []portal.GroupID
	PoPs        []portal.PoPID
}

// ProfileView is a profile with what follows from it.
type ProfileView struct {
	portal.Profile
	Routes  []netip.Prefix // what a client sends through the tunnel
	Regions []Region       // where it is served, by name
	Devices int            // that use it
}

// Region is a place where a profile is served.
type Region struct {
	ID      portal.PoPID
	Name    string
	Country string
	Ready   bool // a gateway there takes clients
}

// Profiles returns the profiles that the actor may use, by name.
func (s *Service) Profiles(ctx context.Context, by portal.Actor) ([]ProfileView, error) {
	return nil, errSoon
}

// AllProfiles returns every profile, by name, for those who manage.
func (s *Service) AllProfiles(ctx context.Context, by portal.Actor) ([]ProfileView, error) {
	return nil, errSoon
}

// Profile returns one profile: any for those who manage, else only one that the actor may use or has a device with.
func (s *Service) Profile(ctx context.Context, by portal.Actor, id portal.ProfileID) (ProfileView, error) {
	return ProfileView{}, errSoon
}

// CreateProfile adds a profile.
func (s *Service) CreateProfile(ctx context.Context, by portal.Actor, in ProfileInput) (ProfileView, error) {
	return ProfileView{}, errSoon
}

// UpdateProfile replaces a profile. People whose groups it is no longer open to lose their entries. Files that are out keep their routes.
func (s *Service) UpdateProfile(ctx context.Context, by portal.Actor, id portal.ProfileID, in ProfileInput) (ProfileView, error) {
	return ProfileView{}, errSoon
}

// DeleteProfile returns ErrInUse while a device uses the profile.
func (s *Service) DeleteProfile(ctx context.Context, by portal.Actor, id portal.ProfileID) error {
	return errSoon
}
