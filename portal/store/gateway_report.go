package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// GatewayReport is what a gateway said of itself on the stream with this epoch. An empty Version and a zero PublicKey keep what is known.
type GatewayReport struct {
	Epoch uint64
	portal.Gateway
}

// reportRow is one row of the VALUES below. The types are named for PostgreSQL, which takes parameters there for text.
const reportRow = `(?, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), ?, ?, CAST(? AS BIGINT), ?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT))`

// SaveReports keeps what gateways said of themselves, each at most once, and returns those whose report counts for nothing: a newer stream
// has begun, or the gateway is retired. A key that a device or another gateway has is not taken over.
func (tx *Tx) SaveReports(reports []GatewayReport) (stale []portal.GatewayID, err error) {
	sorted := slices.SortedFunc(slices.Values(reports), func(a, b GatewayReport) int { return cmp.Compare(a.ID, b.ID) })
	for part := range chunks(sorted) {
		if err := tx.holdGateways(part); err != nil {
			return nil, err
		}
		args := make([]any, 0, 11*len(part)+1)
		for _, r := range part {
			key := ""
			if !r.PublicKey.IsZero() {
				key = r.PublicKey.String()
			}
			args = append(args, string(r.ID), int64(r.Epoch), micros(r.SeenAt), int64(r.Applied), r.Hash, r.Problem, r.ApplyFor.Microseconds(), r.Version, key,
				int64(r.OpenVPN.UDP), int64(r.OpenVPN.TCP))
		}
		rows := strings.TrimSuffix(strings.Repeat(reportRow+", ", len(part)), ", ")
		var saved []portal.GatewayID
		err := tx.db.Raw(`WITH v(gateway, epoch, seen, applied, hash, problem, took, version, key, ovpn_udp, ovpn_tcp) AS (VALUES `+rows+`)
			UPDATE gateways SET seen_at = v.seen, applied = v.applied, hash = v.hash, problem = v.problem, apply_for = v.took,
				openvpn_udp = v.ovpn_udp, openvpn_tcp = v.ovpn_tcp,
				version = CASE WHEN v.version = '' THEN gateways.version ELSE v.version END,
				public_key = CASE WHEN v.key = '' OR EXISTS (SELECT 1 FROM devices d WHERE d.public_key = v.key)
					OR EXISTS (SELECT 1 FROM gateways o WHERE o.public_key = v.key AND o.id <> v.gateway) THEN gateways.public_key ELSE v.key END
			FROM v WHERE gateways.id = v.gateway AND gateways.stream_epoch = v.epoch AND gateways.state <> ? RETURNING id`,
			append(args, string(portal.GatewayRetired))...).Scan(&saved).Error
		if err != nil {
			return nil, fmt.Errorf("save reports of gateways: %w", err)
		}
		for _, r := range part {
			if !slices.Contains(saved, r.ID) {
				stale = append(stale, r.ID)
			}
		}
	}
	return stale, nil
}

// holdGateways locks the rows of gateways in one order, so that two portals that save reports do not wait for each other.
func (tx *Tx) holdGateways(reports []GatewayReport) error {
	if tx.store.oneWriter() {
		return nil
	}
	ids := make([]string, len(reports))
	for i, r := range reports {
		ids[i] = string(r.ID)
	}
	if err := tx.db.Exec("SELECT 1 FROM gateways WHERE id IN ? ORDER BY id FOR NO KEY UPDATE", ids).Error; err != nil {
		return fmt.Errorf("lock gateways: %w", err)
	}
	return nil
}
