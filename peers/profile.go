package peers

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ProfileInput is a profile as typed. An update replaces all of it.
type ProfileInput struct {
	Name        string
	Description string
	Mode        portal.Mode
	Included    []string // prefixes without host bits, at most 1000
	Names       []string // DNS names, at most 50; Split only
	Excluded    []string // prefixes, as Included
	DNS         []string
	Search      []string
	Match       []string      // domains, at most 16
	MTU         int           // bytes; 0: portal.DefaultMTU
	Keepalive   time.Duration // whole seconds; 0: none
	Session     time.Duration // whole seconds; 0: portal.DefaultSession
	Idle        time.Duration // whole seconds, 10 minutes to 30 days; 0: never
	MaxDevices  int           // per person; 0: no limit
	Approval    bool
	Protocols   []portal.Protocol // nil: as it is; WireGuard for a new one
	Pool        portal.PoolID     // "": the oldest pool
	Groups      []portal.GroupID
	PoPs        []portal.PoPID

	LogoutEndsGrants *bool // nil: as it is; no for a new one
}

// profile checks all that can be checked without the database.
func (in ProfileInput) profile(c *check) portal.Profile {
	p := portal.Profile{
		Name:        c.name("/name", in.Name),
		Description: c.text("/description", in.Description, maxDescription),
		Mode:        oneOf(c, "/mode", in.Mode, portal.Split, portal.Full),
		Included:    c.prefixes("/included", in.Included),
		Names:       c.domains("/names", in.Names, maxNames),
		Excluded:    c.prefixes("/excluded", in.Excluded),
		DNS:         c.addrs("/dns", in.DNS),
		Search:      c.domains("/search", in.Search, maxSearch),
		Match:       c.domains("/match", in.Match, maxSearch),
		MTU:         in.MTU,
		Keepalive:   c.seconds("/keepalive", in.Keepalive, 0, time.Hour),
		Session:     in.Session,
		Idle:        in.Idle,
		Approval:    in.Approval,
		MaxDevices:  c.number("/maxDevices", in.MaxDevices, 0, 1000),
		Protocols:   c.protocols("/protocols", in.Protocols),
		Pool:        in.Pool,
		Groups:      links(c, "/groups", in.Groups, 0),
		PoPs:        links(c, "/pops", in.PoPs, 0),
	}
	if in.LogoutEndsGrants != nil {
		p.LogoutEndsGrants = *in.LogoutEndsGrants
	}
	if in.MTU != 0 {
		c.number("/mtu", in.MTU, 1280, 9000) // IPv6 needs 1280 (RFC 8200, section 5)
	}
	if in.Session != 0 {
		c.seconds("/sessionSeconds", in.Session, time.Minute, 365*24*time.Hour)
	}
	if in.Idle != 0 {
		c.seconds("/idleSeconds", in.Idle, leastIdle, 30*24*time.Hour)
	}
	if len(in.Names) > 0 && in.Mode == portal.Full {
		c.wrong("/names", "not_allowed", "A profile that sends everything needs no names.")
	}
	if len(in.Match) > 0 && len(in.DNS) == 0 {
		c.wrong("/match", "needs_dns", "Domains to match need a DNS server.")
	}
	if len(in.Search) > 0 && len(in.DNS) == 0 {
		c.wrong("/search", "needs_dns", "Search domains need a DNS server.")
	}
	if len(c.fields) == 0 && len(p.Names) == 0 && len(portal.Routes(p)) == 0 {
		c.wrong("/included", "no_routes", "Nothing is left to go through the tunnel.")
	}
	return p
}

// protocols are in the order of preference, which is ours.
func (c *check) protocols(path string, in []portal.Protocol) []portal.Protocol {
	if len(in) == 0 {
		return []portal.Protocol{portal.WireGuard}
	}
	for i, p := range in {
		oneOf(c, fmt.Sprintf("%s/%d", path, i), p, portal.WireGuard, portal.OpenVPN)
	}
	var out []portal.Protocol
	for _, p := range []portal.Protocol{portal.WireGuard, portal.OpenVPN} {
		if slices.Contains(in, p) {
			out = append(out, p)
		}
	}
	return out
}

// leastIdle is longer than any pause between the handshakes of a tunnel in use, which is two minutes (REKEY_AFTER_TIME).
const leastIdle = 10 * time.Minute

// resolve checks what the input names against what there is.
func (in ProfileInput) resolve(tx *store.Tx, c *check, p *portal.Profile) error {
	groups, err := tx.MissingGroups(p.Groups)
	if err != nil {
		return err
	}
	known(c, "/groups", in.Groups, groups)
	pops, err := tx.PoPs()
	if err != nil {
		return err
	}
	known(c, "/pops", in.PoPs, slices.DeleteFunc(slices.Clone(p.PoPs), func(id portal.PoPID) bool {
		return slices.ContainsFunc(pops, func(pop portal.PoP) bool { return pop.ID == id })
	}))
	pools, err := tx.Pools()
	if err != nil {
		return err
	}
	if p.Pool == "" {
		if len(pools) == 0 {
			return ErrNoPool
		}
		p.Pool = pools[0].ID
	}
	if !slices.ContainsFunc(pools, func(pool portal.Pool) bool { return pool.ID == p.Pool }) {
		c.wrong("/pool", "unknown", "There is no such pool.")
	}
	return c.err()
}

// ProfileView is a profile with what follows from it.
type ProfileView struct {
	portal.Profile
	Routes  []netip.Prefix // what a client sends through the tunnel
	Regions []Region       // where it is served, by name
	Devices int            // that use it; 0 for those who may not see all profiles

	Outdated int // of Devices, those that need a new file
}

// Profiles returns the profiles that the actor may use, by name.
func (s *Service) Profiles(ctx context.Context, by portal.Actor) ([]ProfileView, error) {
	return s.listProfiles(ctx, by, false)
}

// AllProfiles returns every profile, by name, for those who may see all.
func (s *Service) AllProfiles(ctx context.Context, by portal.Actor) ([]ProfileView, error) {
	if !by.May(portal.ProfilesRead) {
		return nil, portal.ErrForbidden
	}
	return s.listProfiles(ctx, by, true)
}

func (s *Service) listProfiles(ctx context.Context, by portal.Actor, all bool) (views []ProfileView, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		profiles, err := tx.Profiles()
		if err != nil {
			return err
		}
		groups, err := tx.GroupIDs(by.User)
		if err != nil {
			return err
		}
		profiles = slices.DeleteFunc(profiles, func(p portal.Profile) bool { return !all && !p.OpenTo(groups) })
		views, err = viewProfiles(tx, by, profiles)
		return err
	})
	return views, err
}

// Profile returns one profile: any for those who may see all, else only one that the actor may use or has a device with.
func (s *Service) Profile(ctx context.Context, by portal.Actor, id portal.ProfileID) (view ProfileView, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		p, err := tx.Profile(id)
		if err != nil {
			return err
		}
		may, err := maySee(tx, by, p)
		if err != nil {
			return err
		}
		if !may {
			return portal.ErrNotFound
		}
		views, err := viewProfiles(tx, by, []portal.Profile{p})
		if err == nil {
			view = views[0]
		}
		return err
	})
	return view, err
}

func maySee(tx *store.Tx, by portal.Actor, p portal.Profile) (bool, error) {
	if by.May(portal.ProfilesRead) {
		return true, nil
	}
	groups, err := tx.GroupIDs(by.User)
	if err != nil || p.OpenTo(groups) {
		return err == nil, err
	}
	devices, err := tx.Devices(store.DeviceFilter{Users: []portal.UserID{by.User}, Profile: p.ID, Limit: 1})
	return len(devices) > 0, err
}

func viewProfiles(tx *store.Tx, by portal.Actor, profiles []portal.Profile) ([]ProfileView, error) {
	pl, err := readPlaces(tx)
	if err != nil {
		return nil, err
	}
	use, outdated := map[portal.ProfileID]int{}, map[portal.ProfileID]int{}
	if by.May(portal.ProfilesRead) {
		if use, err = tx.ProfileUse(); err != nil {
			return nil, err
		}
		old, err := newFiles(tx, pl).outdatedFiles("")
		if err != nil {
			return nil, err
		}
		for _, x := range old {
			outdated[x.Profile] += x.Devices
		}
	}
	views := make([]ProfileView, len(profiles))
	for i, p := range profiles {
		views[i] = ProfileView{Profile: p, Routes: portal.Routes(p), Regions: pl.regions(p), Devices: use[p.ID], Outdated: outdated[p.ID]}
	}
	return views, nil
}

// CreateProfile adds a profile. It returns portal.ErrDuplicate when the name is taken, and ErrNoPool when there is no pool yet.
func (s *Service) CreateProfile(ctx context.Context, by portal.Actor, in ProfileInput) (view ProfileView, err error) {
	answers := s.namesNow(ctx, by, in)
	var id portal.ProfileID
	err = s.managing(ctx, by, portal.ProfilesWrite, func(p *policy) error {
		var c check
		profile := in.profile(&c)
		if err := in.resolve(p.tx, &c, &profile); err != nil {
			return err
		}
		profile.ID, profile.CreatedAt = portal.NewID[portal.ProfileID](p.tx.Now), p.tx.Now
		if err := p.tx.CreateProfile(profile); err != nil {
			return err
		}
		id = profile.ID
		return p.published(by, profile, answers, "profile.create", profile)
	})
	if err != nil {
		return view, err
	}
	return s.viewProfile(ctx, by, id)
}

// viewProfile reads what follows from a profile that was just written, which counts all its devices: not while others wait for the feed lock.
func (s *Service) viewProfile(ctx context.Context, by portal.Actor, id portal.ProfileID) (view ProfileView, err error) {
	read := func(tx *store.Tx) error {
		p, err := tx.Profile(id)
		if err != nil {
			return err
		}
		views, err := viewProfiles(tx, by, []portal.Profile{p})
		if err == nil {
			view = views[0]
		}
		return err
	}
	if s.within != nil {
		return view, nil // it is one of many, and nobody looks at it
	}
	err = s.Store.View(ctx, read)
	return view, err
}

// UpdateProfile replaces a profile. People whose groups it is no longer open to lose their entries. Files that are out and not as they would be made
// now are out of date from then on.
// Where sessions are shorter now, grants that run end as if they had been given so.
// It returns ErrInUse when the pool is another one and devices have addresses of the old one.
func (s *Service) UpdateProfile(ctx context.Context, by portal.Actor, id portal.ProfileID, in ProfileInput) (view ProfileView, err error) {
	answers := s.namesNow(ctx, by, in)
	err = s.managing(ctx, by, portal.ProfilesWrite, func(p *policy) error {
		old, err := p.tx.Profile(id)
		if err != nil {
			return err
		}
		if in.Pool == "" {
			in.Pool = old.Pool
		}
		if in.Protocols == nil {
			in.Protocols = old.Protocols
		}
		if in.LogoutEndsGrants == nil {
			in.LogoutEndsGrants = &old.LogoutEndsGrants
		}
		var c check
		profile := in.profile(&c)
		if err := in.resolve(p.tx, &c, &profile); err != nil {
			return err
		}
		profile.ID, profile.CreatedAt = old.ID, old.CreatedAt
		if profile.Pool != old.Pool {
			if err := profileUnused(p.tx, id); err != nil {
				return err
			}
		}
		if err := p.tx.UpdateProfile(profile); err != nil {
			return err
		}
		shorter := sessionOf(profile) < sessionOf(old)
		if shorter {
			if err := p.tx.ShortenGrants(id, sessionOf(profile)); err != nil {
				return err
			}
		}
		if shorter || old.Idle != profile.Idle || !slices.Equal(old.Groups, profile.Groups) {
			if err := p.devices(store.DeviceFilter{Profile: id}); err != nil {
				return err
			}
		}
		return p.published(by, profile, answers, "profile.update", store.Changed{Now: profile, Before: old})
	})
	if err != nil {
		return view, err
	}
	return s.viewProfile(ctx, by, id)
}

// published writes the profile's object and the audit event.
func (p *policy) published(by portal.Actor, profile portal.Profile, answers map[string][]netip.Addr, action string, detail any) error {
	if err := p.serve(profile); err != nil {
		return err
	}
	if err := seeAnswers(p.tx, answers); err != nil {
		return err
	}
	return p.tx.Audit(by, action, "profile:"+string(profile.ID), detail)
}

// DeleteProfile returns ErrInUse while a device uses the profile.
func (s *Service) DeleteProfile(ctx context.Context, by portal.Actor, id portal.ProfileID) error {
	return s.managing(ctx, by, portal.ProfilesWrite, func(p *policy) error {
		profile, err := p.tx.Profile(id)
		if err != nil {
			return err
		}
		if err := profileUnused(p.tx, id); err != nil {
			return err
		}
		if err := p.tx.DeleteProfile(id); err != nil {
			return err
		}
		if err := p.write([]store.LogChange{{Key: store.ProfileKey(id)}}); err != nil {
			return err
		}
		return p.tx.Audit(by, "profile.delete", "profile:"+string(id), store.Changed{Now: named(profile.Name), Before: profile})
	})
}

func profileUnused(tx *store.Tx, id portal.ProfileID) error {
	devices, err := tx.Devices(store.DeviceFilter{Profile: id, Limit: 1})
	if err == nil && len(devices) > 0 {
		err = ErrInUse
	}
	return err
}
