package store

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/migrations"
	"github.com/sallyport/sallyport/portal"
)

// DeviceFilter selects devices. Zero fields select everything.
type DeviceFilter struct {
	IDs     []portal.DeviceID
	Users   []portal.UserID
	Profile portal.ProfileID
	Groups  []portal.GroupID // devices of the members of any of them; Everyone selects all
	Text    string           // part of a name, of the owner's name or e-mail; or an address, the beginning of an IPv4 address, or a public key
	State   portal.DeviceState
	Files   []DeviceFile    // those whose file is one of these; empty and not nil: none
	Before  portal.DeviceID // for the next page, newest first
	After   portal.DeviceID // for the next page, oldest first
	Newest  bool            // newest first; else oldest first
	Limit   int             // 0: all
}

const deviceColumns = `SELECT d.id, d.user_id, d.name, d.platform, d.protocol, d.profile_id, d.pop_id, d.public_key, d.pool_id, d.addr_n, d.state, d.sig, d.file,
	d.created_at, d.key_at, g.level, g.not_after, g.renew_at, g.let_in, g.factor_at, u.name AS owner_name, u.email AS owner_email, u.state AS owner_state,
	p.name AS profile_name, p.mode AS profile_mode, q.v4, q.v6
	FROM devices d JOIN grants g ON g.device_id = d.id JOIN users u ON u.id = d.user_id JOIN profiles p ON p.id = d.profile_id JOIN pools q ON q.id = d.pool_id`

type deviceRecordRow struct {
	Row         deviceRow `gorm:"embedded"`
	Level       string
	NotAfter    int64
	RenewAt     int64
	LetIn       int64
	FactorAt    int64
	OwnerName   string
	OwnerEmail  string
	OwnerState  string
	ProfileName string
	ProfileMode string
	V4, V6      string
}

// Device returns one device, or portal.ErrNotFound.
func (tx *Tx) Device(id portal.DeviceID) (DeviceRecord, error) {
	all, err := tx.Devices(DeviceFilter{IDs: []portal.DeviceID{id}})
	if err == nil && len(all) == 0 {
		err = portal.ErrNotFound
	}
	if err != nil {
		return DeviceRecord{}, err
	}
	return all[0], nil
}

// Devices returns the devices that the filter selects, in the order in which they were made or, with Newest, the other way round.
func (tx *Tx) Devices(f DeviceFilter) ([]DeviceRecord, error) {
	where, args, err := tx.deviceConditions(f)
	if err != nil {
		return nil, err
	}
	query := deviceColumns
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY d.id"
	if f.Newest {
		query += " DESC"
	}
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := tx.db.Raw(query, args...).Rows()
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	defer rows.Close()
	pools := poolCache{}
	var all []DeviceRecord
	for rows.Next() {
		var r deviceRecordRow
		d := &r.Row
		if err := rows.Scan(&d.ID, &d.UserID, &d.Name, &d.Platform, &d.Protocol, &d.ProfileID, &d.PopID, &d.PublicKey, &d.PoolID, &d.AddrN, &d.State, &d.Sig, &d.File,
			&d.CreatedAt, &d.KeyAt, &r.Level, &r.NotAfter, &r.RenewAt, &r.LetIn, &r.FactorAt, &r.OwnerName, &r.OwnerEmail, &r.OwnerState, &r.ProfileName, &r.ProfileMode,
			&r.V4, &r.V6); err != nil {
			return nil, fmt.Errorf("read devices: %w", err)
		}
		rec, err := r.record(pools)
		if err != nil {
			return nil, err
		}
		all = append(all, rec)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	_ = rows.Close() // before the next query of the same transaction
	return all, tx.attachHolds(all)
}

func (r deviceRecordRow) record(pools poolCache) (DeviceRecord, error) {
	d := r.Row
	pool, err := pools.get(poolRow{ID: d.PoolID, V4: r.V4, V6: r.V6})
	if err != nil {
		return DeviceRecord{}, err
	}
	key, cert, err := readKey(d.PublicKey)
	if err != nil {
		return DeviceRecord{}, fmt.Errorf("read key of device %s: %w", d.ID, err)
	}
	return DeviceRecord{
		Device: portal.Device{
			ID: portal.DeviceID(d.ID), User: portal.UserID(d.UserID), Name: d.Name, Platform: portal.Platform(d.Platform), Protocol: portal.Protocol(d.Protocol),
			Profile: portal.ProfileID(d.ProfileID), PoP: portal.PoPID(d.PopID), PublicKey: key, Cert: cert, Addr: pool.At(uint32(d.AddrN)), State: portal.DeviceState(d.State),
			CreatedAt: fromMicros(d.CreatedAt), KeyAt: fromMicros(d.KeyAt),
		},
		Grant: portal.Grant{
			Device: portal.DeviceID(d.ID), Level: portal.Level(r.Level), NotAfter: fromMicros(r.NotAfter), RenewAt: fromMicros(r.RenewAt),
			FactorAt: fromMicros(r.FactorAt), LetIn: uint64(r.LetIn),
		},
		Signature: portal.SignatureID(d.Sig), File: d.File, OwnerName: r.OwnerName, OwnerEmail: r.OwnerEmail, OwnerState: portal.UserState(r.OwnerState),
		ProfileName: r.ProfileName, ProfileMode: portal.Mode(r.ProfileMode),
	}, nil
}

// poolCache keeps a pool from being parsed for each of its devices.
type poolCache map[string]portal.Pool

func (c poolCache) get(row poolRow) (portal.Pool, error) {
	if p, ok := c[row.ID]; ok {
		return p, nil
	}
	p, err := row.pool()
	if err == nil {
		c[row.ID] = p
	}
	return p, err
}

func (tx *Tx) deviceConditions(f DeviceFilter) (where []string, args []any, err error) {
	and := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.IDs != nil {
		and("d.id IN ?", f.IDs)
	}
	if f.Users != nil {
		and("d.user_id IN ?", f.Users)
	}
	if f.Profile != "" {
		and("d.profile_id = ?", string(f.Profile))
	}
	if f.Groups != nil && !slices.Contains(f.Groups, portal.Everyone) {
		and("d.user_id IN (SELECT user_id FROM memberships WHERE group_id IN ?)", f.Groups)
	}
	if f.State != "" {
		and("d.state = ?", string(f.State))
	}
	if f.Files != nil {
		list := make([][2]string, len(f.Files)) // as one argument: there may be more than a statement has room for
		for i, x := range f.Files {
			list[i] = [2]string{string(x.Profile), x.File}
		}
		if tx.store.engine == migrations.SQLite {
			and("(d.profile_id, d.file) IN (SELECT value->>0, value->>1 FROM json_each(?))", structure(list))
		} else {
			and("(d.profile_id, d.file) IN (SELECT x->>0, x->>1 FROM json_array_elements(CAST(? AS json)) AS x)", structure(list))
		}
	}
	if f.Before != "" {
		and("d.id < ?", string(f.Before))
	}
	if f.After != "" {
		and("d.id > ?", string(f.After))
	}
	if f.Text != "" {
		condition, values, err := tx.textCondition(f.Text)
		if err != nil {
			return nil, nil, err
		}
		and(condition, values...)
	}
	return where, args, nil
}

// textCondition is what a person may type to find a device.
func (tx *Tx) textCondition(text string) (string, []any, error) {
	like := "%" + likeEscape.Replace(strings.ToLower(text)) + "%"
	any1 := []string{`LOWER(d.name) LIKE ? ESCAPE '\'`, `LOWER(u.name) LIKE ? ESCAPE '\'`, `LOWER(u.email) LIKE ? ESCAPE '\'`, "d.public_key = ?"}
	args := []any{like, like, like, text}
	prefix, ok := typedPrefix(text)
	if !ok {
		return "(" + strings.Join(any1, " OR ") + ")", args, nil
	}
	pools, err := tx.Pools()
	if err != nil {
		return "", nil, err
	}
	for _, p := range pools {
		if first, last, ok := p.Numbers(prefix); ok {
			any1, args = append(any1, "(d.pool_id = ? AND d.addr_n BETWEEN ? AND ?)"), append(args, string(p.ID), int64(first), int64(last))
		}
	}
	return "(" + strings.Join(any1, " OR ") + ")", args, nil
}

// typedPrefix reads an address, a prefix, or the first octets of an IPv4 address ("10.77." or "10.77").
func typedPrefix(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.WithZone(""), a.BitLen()), true
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	octets := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(octets) < 2 || len(octets) > 3 {
		return netip.Prefix{}, false
	}
	a, err := netip.ParseAddr(strings.Join(octets, ".") + strings.Repeat(".0", 4-len(octets)))
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, 8*len(octets)), true
}

// chunkSize keeps statements below the engines' limits on parameters and off the planner's slow paths.
const chunkSize = 500

// chunks cuts a list into parts that one statement can take.
func chunks[T any](list []T) iter.Seq[[]T] { return slices.Chunk(list, chunkSize) }
