package peers

import (
	"context"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// SeedPool makes the first pool when there is none: 10.77.0.0/16 and a random unique local IPv6 prefix (RFC 4193) where v4 and v6 are zero.
// It returns the pool that there is, the oldest.
func (s *Service) SeedPool(ctx context.Context, v4, v6 netip.Prefix) (pool portal.Pool, err error) {
	if !v4.IsValid() {
		v4 = netip.MustParsePrefix("10.77.0.0/16")
	}
	if !v6.IsValid() {
		v6 = randomULA()
	}
	err = s.managing(ctx, portal.System, portal.ProfilesWrite, func(p *policy) error {
		pools, err := p.tx.Pools()
		if err != nil {
			return err
		}
		if len(pools) > 0 {
			pool = pools[0]
			return nil
		}
		pool = portal.Pool{ID: portal.NewID[portal.PoolID](p.tx.Now), Name: "Default", V4: v4, V6: v6}
		return addPool(p, portal.System, pool)
	})
	return pool, err
}

// Demo says what the demo's policy is about.
type Demo struct {
	Intranet netip.Prefix // the page that only the tunnel reaches
	Ports    []portal.PortRange
	DNS      []netip.Addr
}

// SeedDemo makes a split and a full profile, the intranet as a resource, and a rule that lets everyone reach it, when there is no profile
// yet. There must be a pool.
func (s *Service) SeedDemo(ctx context.Context, d Demo) error {
	return s.managing(ctx, portal.System, portal.ProfilesWrite, func(p *policy) error {
		profiles, err := p.tx.Profiles()
		if err != nil || len(profiles) > 0 {
			return err
		}
		if err := seedProfiles(p, d); err != nil {
			return err
		}
		return seedRule(p, d)
	})
}

func seedProfiles(p *policy, d Demo) error {
	dns := make([]string, len(d.DNS))
	for i, a := range d.DNS {
		dns[i] = a.String()
	}
	for _, in := range []ProfileInput{
		{Name: "Company networks", Description: "Only company networks go through the tunnel.", Mode: portal.Split, Included: []string{d.Intranet.String()}, DNS: dns},
		{Name: "All traffic", Description: "Everything goes through the tunnel.", Mode: portal.Full, DNS: dns},
	} {
		var c check
		profile := in.profile(&c)
		if err := in.resolve(p.tx, &c, &profile); err != nil {
			return err
		}
		profile.ID, profile.CreatedAt = portal.NewID[portal.ProfileID](p.tx.Now), p.tx.Now
		if err := p.tx.CreateProfile(profile); err != nil {
			return err
		}
		if err := p.published(portal.System, profile, nil, "profile.create", profile); err != nil {
			return err
		}
	}
	return nil
}

func seedRule(p *policy, d Demo) error {
	resource, err := ResourceInput{Name: "Intranet", Prefixes: []string{d.Intranet.String()}, Transport: portal.TCP, Ports: d.Ports}.resource()
	if err != nil {
		return err
	}
	resource.ID, resource.CreatedAt = portal.NewID[portal.ResourceID](p.tx.Now), p.tx.Now
	if err := p.tx.CreateResource(resource); err != nil {
		return err
	}
	if err := p.tx.Audit(portal.System, "resource.create", resourceTarget(resource.ID), resource); err != nil {
		return err
	}
	rule := portal.Rule{
		ID: portal.NewID[portal.RuleID](p.tx.Now), Name: "Everyone may read the intranet", Reason: "The demo's one rule.", Action: portal.Allow,
		Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{resource.ID}, CreatedAt: p.tx.Now,
	}
	if err := p.tx.CreateRule(rule); err != nil {
		return err
	}
	if err := p.rule(rule); err != nil {
		return err
	}
	if err := p.devices(store.DeviceFilter{}); err != nil {
		return err
	}
	return p.tx.Audit(portal.System, "rule.create", ruleTarget(rule.ID), rule)
}
