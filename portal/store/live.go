package store

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"github.com/sallyport/sallyport/portal"
)

type liveRow struct {
	DeviceID  string `gorm:"primaryKey"`
	GatewayID string `gorm:"primaryKey"`
	Endpoint  string
	Handshake int64
	Rx        int64
	Tx        int64
	At        int64
	Country   string
}

func (liveRow) TableName() string { return "device_live" }

// LiveRecord is live state with the names of the gateway and its PoP.
type LiveRecord struct {
	portal.Live
	GatewayName string
	PoPName     string
}

// RecordLive stores what gateways say of the devices whose state has changed since they last spoke. Devices that are gone are left out.
func (tx *Tx) RecordLive(all []portal.Live) error {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b portal.Live) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Gateway, b.Gateway))
	})
	slices.Reverse(sorted) // of what a gateway says twice of one device the last counts; one statement can't upsert a row twice
	sorted = slices.CompactFunc(sorted, func(a, b portal.Live) bool { return a.Device == b.Device && a.Gateway == b.Gateway })
	for part := range chunks(sorted) {
		there, err := tx.holdDevices(part)
		if err != nil {
			return err
		}
		rows := make([]liveRow, 0, len(part))
		for _, l := range part {
			if there[l.Device] {
				rows = append(rows, liveRow{
					DeviceID: string(l.Device), GatewayID: string(l.Gateway), Endpoint: endpointText(l.Endpoint), Handshake: micros(l.Handshake),
					Rx: int64(l.Rx), Tx: int64(l.Tx), At: micros(l.At), Country: l.Country,
				})
			}
		}
		if len(rows) == 0 {
			continue
		}
		err = tx.db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "device_id"}, {Name: "gateway_id"}},
			DoUpdates: clause.AssignmentColumns([]string{"endpoint", "handshake", "rx", "tx", "at", "country"}),
		}).Create(&rows).Error
		if err != nil {
			return fmt.Errorf("record live state: %w", err)
		}
	}
	return nil
}

// holdDevices returns which of the devices are there, and keeps them there until the transaction ends.
func (tx *Tx) holdDevices(live []portal.Live) (map[portal.DeviceID]bool, error) {
	ids := make([]portal.DeviceID, len(live))
	for i, l := range live {
		ids[i] = l.Device
	}
	query := "SELECT id FROM devices WHERE id IN ?"
	if !tx.store.oneWriter() {
		query += " ORDER BY id FOR KEY SHARE"
	}
	var found []portal.DeviceID
	if err := tx.db.Raw(query, ids).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("look up devices with live state: %w", err)
	}
	there := make(map[portal.DeviceID]bool, len(found))
	for _, id := range found {
		there[id] = true
	}
	return there, nil
}

// Live returns for each of the devices what the gateway with its newest handshake said; a device that none has seen is not in the map.
func (tx *Tx) Live(ids []portal.DeviceID) (map[portal.DeviceID]LiveRecord, error) {
	newest := make(map[portal.DeviceID]LiveRecord, len(ids))
	for part := range chunks(ids) {
		var rows []struct {
			Row         liveRow `gorm:"embedded"`
			GatewayName string
			PopName     string
		}
		err := tx.db.Raw(`SELECT l.device_id, l.gateway_id, l.endpoint, l.handshake, l.rx, l.tx, l.at, l.country, g.name AS gateway_name, p.name AS pop_name
			FROM device_live l JOIN gateways g ON g.id = l.gateway_id JOIN pops p ON p.id = g.pop_id WHERE l.device_id IN ?`, part).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read live state: %w", err)
		}
		for _, r := range rows {
			l := LiveRecord{Live: r.Row.live(), GatewayName: r.GatewayName, PoPName: r.PopName}
			if old, seen := newest[l.Device]; !seen || l.Handshake.After(old.Handshake) || l.Handshake.Equal(old.Handshake) && l.At.After(old.At) {
				newest[l.Device] = l
			}
		}
	}
	return newest, nil
}

func (r liveRow) live() portal.Live {
	endpoint, err := netip.ParseAddrPort(r.Endpoint)
	if err != nil {
		endpoint = netip.AddrPort{}
	}
	return portal.Live{
		Device: portal.DeviceID(r.DeviceID), Gateway: portal.GatewayID(r.GatewayID), Endpoint: endpoint, Handshake: fromMicros(r.Handshake),
		Rx: uint64(r.Rx), Tx: uint64(r.Tx), At: fromMicros(r.At), Country: r.Country,
	}
}

// DeviceCount is how many devices there are, how many have a live tunnel and how many wait for approval.
type DeviceCount struct{ Devices, Connected, Pending int }

// CountDevices counts all devices; connected are those with a handshake after since.
func (tx *Tx) CountDevices(since time.Time) (DeviceCount, error) {
	var c DeviceCount
	err := tx.db.Raw(`SELECT (SELECT COUNT(*) FROM devices) AS devices, (SELECT COUNT(DISTINCT device_id) FROM device_live WHERE handshake > ?) AS connected,
		(SELECT COUNT(*) FROM devices WHERE state = ?) AS pending`, micros(since), string(portal.DevicePending)).Scan(&c).Error
	if err != nil {
		return DeviceCount{}, fmt.Errorf("count devices: %w", err)
	}
	return c, nil
}

// CountPending counts the devices that wait for approval. The state is said in the query, since an index holds only those.
func (tx *Tx) CountPending() (int, error) {
	var n int64
	if err := tx.db.Raw("SELECT COUNT(*) FROM devices WHERE state = 'pending'").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count pending devices: %w", err)
	}
	return int(n), nil
}

// CountByOwner counts the devices of each of the people; who has none is not in the map.
func (tx *Tx) CountByOwner(users []portal.UserID, since time.Time) (map[portal.UserID]DeviceCount, error) {
	counts := make(map[portal.UserID]DeviceCount, len(users))
	for part := range chunks(users) {
		var rows []struct {
			UserID             portal.UserID
			Devices, Connected int
		}
		err := tx.db.Raw(`SELECT d.user_id, COUNT(*) AS devices,
			SUM(CASE WHEN EXISTS (SELECT 1 FROM device_live l WHERE l.device_id = d.id AND l.handshake > ?) THEN 1 ELSE 0 END) AS connected
			FROM devices d WHERE d.user_id IN ? GROUP BY d.user_id`, micros(since), part).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("count devices of people: %w", err)
		}
		for _, r := range rows {
			counts[r.UserID] = DeviceCount{Devices: r.Devices, Connected: r.Connected}
		}
	}
	return counts, nil
}

// ConnectedByGateway counts the devices with a handshake after since at each gateway; a gateway without any is not in the map.
func (tx *Tx) ConnectedByGateway(since time.Time) (map[portal.GatewayID]int, error) {
	var rows []struct {
		GatewayID portal.GatewayID
		N         int
	}
	err := tx.db.Raw("SELECT gateway_id, COUNT(*) AS n FROM device_live WHERE handshake > ? GROUP BY gateway_id", micros(since)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count devices of gateways: %w", err)
	}
	counts := make(map[portal.GatewayID]int, len(rows))
	for _, r := range rows {
		counts[r.GatewayID] = r.N
	}
	return counts, nil
}

// endpointText is how an endpoint is kept: "" for the zero one.
func endpointText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
