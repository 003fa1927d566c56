package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

var _ feed.Control = (*Gateways)(nil)

// errCertificate says that a certificate, though ours, is not the one that its gateway may use: the node was enrolled anew, or the
// certificate was renewed and its follower used.
var errCertificate = &portal.Error{
	Kind: portal.Unauthenticated, Code: "certificate_void", Msg: "This certificate is not in use any more. Enrol the node again.",
}

// refusal turns "no such right" into what the node is told.
func refusal(tx *store.Tx, id portal.GatewayID, err error) error {
	if !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	row, err := tx.Gateway(id)
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	if err == nil && row.State == portal.GatewayRetired {
		return feed.ErrRetired
	}
	return errCertificate
}

// Changes is store.Store.Changes.
func (g *Gateways) Changes() (hint <-chan struct{}, stop func()) { return g.Store.Changes() }

// View runs fn on one consistent snapshot of the database.
func (g *Gateways) View(ctx context.Context, fn func(feed.Log) error) error {
	return g.Store.View(ctx, func(tx *store.Tx) error { return fn(feedLog{tx}) })
}

// OpenStreams gives each gateway a new epoch whose certificate is still good.
func (g *Gateways) OpenStreams(ctx context.Context, ask []feed.StreamAsk) ([]feed.StreamGrant, error) {
	var grants []feed.StreamGrant
	err := g.Store.Tx(ctx, func(tx *store.Tx) error {
		grants = make([]feed.StreamGrant, len(ask))
		for i, who := range ask {
			epoch, err := tx.OpenStream(who.Gateway, who.Serial, who.Ends)
			if err != nil {
				err = refusal(tx, who.Gateway, err)
				if portal.KindOf(err) == portal.Internal {
					return err
				}
			}
			grants[i] = feed.StreamGrant{Epoch: epoch, Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open streams: %w", err)
	}
	return grants, nil
}

// SaveReports stores what gateways said and leaves out rows of an older epoch than the gateway's.
func (g *Gateways) SaveReports(ctx context.Context, rows []feed.GatewayReport) (stale []portal.GatewayID, notes uint64, err error) {
	reports := make([]store.GatewayReport, len(rows))
	for i, r := range rows {
		reports[i] = store.GatewayReport{Epoch: r.Epoch, Gateway: portal.Gateway{
			ID: r.Gateway, SeenAt: r.At, Applied: r.Report.Revision, Hash: r.Report.Hash, Problem: r.Report.Problem, ApplyFor: r.Report.ApplyTook,
			Version: r.Report.Version, PublicKey: r.Report.PublicKey, OpenVPN: r.Report.OpenVPN,
		}}
		if !canonical(r.Report.PublicKey) {
			reports[i].PublicKey = portal.PublicKey{} // another name for a key that may be in use
		}
	}
	var idled map[portal.DeviceID]portal.GatewayID // who says so
	err = g.Store.Tx(ctx, func(tx *store.Tx) error {
		idled = map[portal.DeviceID]portal.GatewayID{}
		if stale, err = tx.SaveReports(reports); err != nil {
			return err
		}
		var live []portal.Live
		for _, r := range rows {
			if !slices.Contains(stale, r.Gateway) {
				live = append(live, r.Report.Live...)
			}
		}
		if err := tx.RecordLive(live); err != nil {
			return err
		}
		for _, l := range live {
			if l.Idled {
				idled[l.Device] = l.Gateway
			}
		}
		notes, err = tx.NoteLive()
		return err
	})
	if err == nil && len(idled) > 0 {
		// Apart, because it takes the feed lock, which comes before the rows that reports lock.
		err = g.Store.Tx(ctx, func(tx *store.Tx) error { return endIdled(tx, idled) })
	}
	if err != nil {
		return nil, 0, fmt.Errorf("store reports: %w", err)
	}
	return stale, notes, nil
}

// feedLog shows a transaction as the hub wants to see it.
type feedLog struct{ tx *store.Tx }

func (l feedLog) Position() (feed.Position, error) {
	head, floor, err := l.tx.Revision()
	if err != nil {
		return feed.Position{}, err
	}
	streams, notes, err := l.tx.StreamCounters()
	return feed.Position{Head: head, Floor: floor, Streams: streams, Notes: notes}, err
}

func (l feedLog) Since(since uint64, fn func(feed.Object) error) error {
	return l.tx.Since(since, func(o store.Object) error { return fn(feed.Object(o)) })
}

func (l feedLog) Objects(fn func(feed.Object) error) error {
	return l.tx.Objects(func(o store.Object) error { return fn(feed.Object(o)) })
}

func (l feedLog) Epochs(after uint64) (map[portal.GatewayID]uint64, error) {
	return l.tx.StreamEpochs(after)
}

func (l feedLog) Topology() (feed.Topology, error) {
	t := feed.Topology{
		PoPs: map[portal.PoPID]portal.PoP{}, Gateways: map[portal.GatewayID]portal.Gateway{}, Profiles: map[portal.ProfileID]feed.ServedProfile{},
	}
	pops, err1 := l.tx.PoPs()
	gateways, err2 := l.tx.Gateways()
	profiles, err3 := l.tx.Profiles()
	pools, err4 := l.tx.Pools()
	err := errors.Join(err1, err2, err3, err4)
	if err != nil {
		return t, err
	}
	for _, p := range pops {
		t.PoPs[p.ID] = p
	}
	for _, g := range gateways {
		t.Gateways[g.ID] = g
	}
	byID := map[portal.PoolID]portal.Pool{}
	for _, p := range pools {
		byID[p.ID] = p
	}
	for _, p := range profiles {
		t.Profiles[p.ID] = feed.ServedProfile{PoPs: p.PoPs, Pool: byID[p.Pool], MTU: p.MTU, Push: portal.PushOf(p)}
	}
	t.Trust, err = openVPNTrust(l.tx)
	return t, err
}
