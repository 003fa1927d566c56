package peers

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Region is a place where a profile is served.
type Region struct {
	ID      portal.PoPID
	Name    string
	Country string
	OpenVPN bool // a gateway there serves OpenVPN and was heard of within seenWithin
	Ready   bool // a gateway there takes clients and was heard of within seenWithin
}

// seenWithin is how long a gateway counts as there after its last report; one that has nothing to say is noted every 30 s.
const seenWithin = 2 * time.Minute

// places is every PoP and gateway, read once for all profiles of a page.
type places struct {
	pops     []portal.PoP // by name
	gateways []portal.Gateway
	now      time.Time
}

func readPlaces(tx *store.Tx) (places, error) {
	pops, err := tx.PoPs()
	if err != nil {
		return places{}, err
	}
	gateways, err := tx.Gateways()
	return places{pops, gateways, tx.Now}, err
}

// places reads them in a transaction of their own: every gateway there is, which is much to read while all others wait for the feed lock.
func (s *Service) places(ctx context.Context) (pl places, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error { pl, err = readPlaces(tx); return err })
	return pl, err
}

// regions returns where the profile is served, by name.
func (pl places) regions(profile portal.Profile) []Region {
	regions := []Region{}
	for _, p := range pl.pops {
		if profile.ServedBy(p.ID) {
			regions = append(regions, Region{ID: p.ID, Name: p.Name, Country: p.Country, Ready: pl.ready(p.ID), OpenVPN: profile.Offers(portal.OpenVPN) && pl.openVPN(p.ID)})
		}
	}
	return regions
}

func (pl places) ready(pop portal.PoPID) bool {
	return slices.ContainsFunc(pl.gateways, func(g portal.Gateway) bool { return g.PoP == pop && takesClients(g) && pl.seen(g) })
}

func (pl places) openVPN(pop portal.PoPID) bool {
	return slices.ContainsFunc(pl.gateways, func(g portal.Gateway) bool { return g.PoP == pop && servesOpenVPN(g) && pl.seen(g) })
}

func (pl places) seen(g portal.Gateway) bool { return pl.now.Sub(g.SeenAt) < seenWithin }

// takesClients reports whether files may point at the gateway.
func takesClients(g portal.Gateway) bool {
	return g.State == portal.GatewayActive && !g.PublicKey.IsZero()
}

// gateway chooses the gateway of pop for a device: always the same one while the same ones are there, and about as many devices for
// each (rendezvous hashing). Gateways that are not heard of are chosen only where there is no other.
func (pl places) gateway(pop portal.PoPID, device portal.DeviceID) (portal.Gateway, error) {
	var best portal.Gateway
	var bestSeen bool
	var bestWeight uint64
	for _, g := range pl.gateways {
		if g.PoP != pop || !takesClients(g) {
			continue
		}
		sum := sha256.Sum256([]byte(string(g.ID) + "/" + string(device)))
		seen, weight := pl.seen(g), binary.BigEndian.Uint64(sum[:])
		if best.ID == "" || seen && !bestSeen || seen == bestSeen && weight > bestWeight {
			best, bestSeen, bestWeight = g, seen, weight
		}
	}
	if best.ID == "" {
		return best, ErrNoGateway
	}
	return best, nil
}

// chooseRegion returns the wanted region when it serves the profile, else portal.ErrNotFound; for "" the first by name, a ready one before
// others. It returns ErrNoRegion when nobody serves the profile. pl may be of a moment ago: the answer is there now.
func chooseRegion(tx *store.Tx, pl places, profile portal.Profile, wanted portal.PoPID) (portal.PoPID, error) {
	chosen, err := wanted, error(nil)
	if wanted == "" {
		if chosen, err = pl.first(profile); err != nil {
			return "", err
		}
	} else if !profile.ServedBy(wanted) {
		return "", portal.ErrNotFound
	}
	if _, err = tx.PoP(chosen); errors.Is(err, portal.ErrNotFound) && wanted == "" {
		if pl, err = readPlaces(tx); err == nil {
			return pl.first(profile)
		}
	}
	return chosen, err
}

// first is the first region by name that serves the profile, a ready one before others, or ErrNoRegion.
func (pl places) first(profile portal.Profile) (portal.PoPID, error) {
	regions := pl.regions(profile)
	if len(regions) == 0 {
		return "", ErrNoRegion
	}
	if i := slices.IndexFunc(regions, func(r Region) bool { return r.Ready }); i > 0 {
		return regions[i].ID, nil
	}
	return regions[0].ID, nil
}
