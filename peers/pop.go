package peers

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// NewPoP is what an admin says of a point of presence.
type NewPoP struct {
	Name      string
	Country   string         // ISO 3166-1 alpha-2, or ""
	Latitude  float64        // degrees
	Longitude float64        // degrees
	Networks  []netip.Prefix // without host bits, at most 1000
}

// maxNetworks bounds the networks behind a point of presence.
const maxNetworks = 1000

// ErrPoPInUse says that a point of presence still has gateways, or that a profile names it.
var ErrPoPInUse = &portal.Error{
	Kind: portal.Conflict, Code: "pop_in_use", Msg: "This point of presence has gateways, or a profile names it. Retire the gateways and change the profile first.",
}

func (in NewPoP) check() error {
	var wrong []portal.Field
	if !nameOK(in.Name) {
		wrong = append(wrong, portal.Field{Path: "/name", Code: "malformed", Msg: "Use 1 to 64 printable characters."})
	}
	if in.Country != "" && (len(in.Country) != 2 || strings.Trim(in.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		wrong = append(wrong, portal.Field{Path: "/country", Code: "malformed", Msg: "Use two capital letters (ISO 3166-1), or leave it empty."})
	}
	if !(in.Latitude >= -90 && in.Latitude <= 90) {
		wrong = append(wrong, portal.Field{Path: "/latitude", Code: "out_of_range", Msg: "A latitude is -90 to 90 degrees."})
	}
	if !(in.Longitude >= -180 && in.Longitude <= 180) {
		wrong = append(wrong, portal.Field{Path: "/longitude", Code: "out_of_range", Msg: "A longitude is -180 to 180 degrees."})
	}
	if len(in.Networks) > maxNetworks {
		wrong = append(wrong, portal.Field{Path: "/networks", Code: "too_many", Msg: "At most 1000 networks."})
	}
	for i, p := range in.Networks {
		if !p.IsValid() || p.Masked() != p || p.Addr().Is4In6() {
			wrong = append(wrong, portal.Field{Path: fmt.Sprintf("/networks/%d", i), Code: "malformed", Msg: "Use a prefix without host bits."})
			break
		}
	}
	return portal.InvalidFields(wrong...)
}

// nameOK reports whether a name of ours is 1 to 64 printable characters, without blanks around it.
func nameOK(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 64 && utf8.ValidString(s) && strings.TrimSpace(s) == s && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func (in NewPoP) pop() portal.PoP {
	return portal.PoP{Name: in.Name, Country: in.Country, Latitude: in.Latitude, Longitude: in.Longitude, Networks: slices.Clone(in.Networks)}
}

// popNote is the value of a point of presence's key in the feed log. Hubs read the tables when it changes.
type popNote struct {
	Networks []netip.Prefix `json:"networks"`
	Revision uint64         `json:"rev"`
}

func putPoP(tx *store.Tx, p portal.PoP) error {
	_, err := tx.Put(store.PoPKey(p.ID), func(rev uint64) any { return popNote{p.Networks, rev} })
	return err
}

// CreatePoP makes a point of presence. Errors: portal.ErrInvalid with the fields, portal.ErrDuplicate for a name that is taken.
func (g *Gateways) CreatePoP(ctx context.Context, by portal.Actor, in NewPoP) (portal.PoP, error) {
	if !manages(by) {
		return portal.PoP{}, portal.ErrForbidden
	}
	if err := in.check(); err != nil {
		return portal.PoP{}, err
	}
	p := in.pop()
	p.ID = portal.NewID[portal.PoPID](g.Now())
	err := g.Store.Tx(ctx, func(tx *store.Tx) error {
		p.CreatedAt = tx.Now
		if err := tx.CreatePoP(p); err != nil {
			return err
		}
		if err := putPoP(tx, p); err != nil {
			return err
		}
		return tx.Audit(by, "pop.create", "pop:"+string(p.ID), map[string]any{"name": p.Name, "networks": p.Networks})
	})
	if err != nil {
		return portal.PoP{}, fmt.Errorf("create point of presence %q: %w", in.Name, err)
	}
	return p, nil
}

// UpdatePoP replaces what an admin said of a point of presence. Its gateways hear of other networks at once.
func (g *Gateways) UpdatePoP(ctx context.Context, by portal.Actor, id portal.PoPID, in NewPoP) (portal.PoP, error) {
	if !manages(by) {
		return portal.PoP{}, portal.ErrForbidden
	}
	if err := in.check(); err != nil {
		return portal.PoP{}, err
	}
	p := in.pop()
	p.ID = id
	err := g.Store.Tx(ctx, func(tx *store.Tx) error {
		old, err := tx.PoP(id)
		if err != nil {
			return err
		}
		p.CreatedAt = old.CreatedAt
		if err := tx.UpdatePoP(p); err != nil {
			return err
		}
		if err := putPoP(tx, p); err != nil {
			return err
		}
		return tx.Audit(by, "pop.update", "pop:"+string(id), store.Changed{Now: p, Before: old})
	})
	if err != nil {
		return portal.PoP{}, fmt.Errorf("update point of presence %s: %w", id, err)
	}
	return p, nil
}

// DeletePoP removes a point of presence. It returns ErrPoPInUse while it has gateways that are not retired or a profile names it: a
// profile that is served nowhere else would then be served everywhere.
func (g *Gateways) DeletePoP(ctx context.Context, by portal.Actor, id portal.PoPID) error {
	if !manages(by) {
		return portal.ErrForbidden
	}
	err := g.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := tx.LockPoP(id) // no gateway can be added to it from here on
		if err != nil {
			return err
		}
		if err := tx.LockFeed(); err != nil { // and no profile can name it
			return err
		}
		if err := popUnused(tx, id); err != nil {
			return err
		}
		if err := tx.DeletePoP(id); err != nil {
			return err
		}
		if _, err := tx.Drop(store.PoPKey(id)); err != nil {
			return err
		}
		return tx.Audit(by, "pop.delete", "pop:"+string(id), store.Changed{Now: named(p.Name), Before: p})
	})
	if err != nil {
		return fmt.Errorf("delete point of presence %s: %w", id, err)
	}
	return nil
}

func popUnused(tx *store.Tx, id portal.PoPID) error {
	n, err := tx.CountGateways(id)
	if err != nil {
		return err
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return err
	}
	if n > 0 || slices.ContainsFunc(profiles, func(p portal.Profile) bool { return slices.Contains(p.PoPs, id) }) {
		return ErrPoPInUse
	}
	return nil
}

// PoPs lists all points of presence by name.
func (g *Gateways) PoPs(ctx context.Context) (pops []portal.PoP, err error) {
	err = g.Store.View(ctx, func(tx *store.Tx) error {
		pops, err = tx.PoPs()
		return err
	})
	return pops, err
}
