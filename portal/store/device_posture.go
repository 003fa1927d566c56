package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
)

// PostureState is the last verdict on a device.
type PostureState struct {
	Device   portal.DeviceID
	Effect   posture.Severity // "" for none
	Would    posture.Severity // with the checks that only report
	Since    time.Time        // since when the effect is this one
	JudgedAt time.Time
	Next     time.Time // zero: not before somebody says something
}

// CheckResult is a check that a device does not simply pass.
type CheckResult struct {
	Device   portal.DeviceID
	Check    posture.CheckID
	Outcome  posture.Outcome
	Reason   posture.Reason
	Seen     string
	Severity posture.Severity // what it does now
	Since    time.Time
	Until    time.Time
}

// PastVerdict is a verdict that a device had from At on.
type PastVerdict struct {
	At      time.Time
	Effect  posture.Severity
	Failing []string // names of the checks that did something
}

type devicePostureRow struct {
	DeviceID string `gorm:"primaryKey"`
	Effect   string
	Would    string
	Since    int64
	JudgedAt int64
	NextAt   int64
}

func (devicePostureRow) TableName() string { return "device_posture" }

type deviceCheckRow struct {
	DeviceID string `gorm:"primaryKey"`
	CheckID  string `gorm:"primaryKey"`
	Outcome  string
	Reason   string
	Seen     string
	Severity string
	Since    int64
	Until    int64
}

func (deviceCheckRow) TableName() string { return "device_checks" }

// PostureStates returns the last verdicts on these devices. Until the transaction ends nobody else judges them.
func (tx *Tx) PostureStates(ids []portal.DeviceID) (map[portal.DeviceID]PostureState, error) {
	lock := " ORDER BY device_id FOR UPDATE"
	if tx.store.oneWriter() {
		lock = ""
	}
	return tx.postureStates(ids, lock)
}

// ShownPosture is the same for who only looks.
func (tx *Tx) ShownPosture(ids []portal.DeviceID) (map[portal.DeviceID]PostureState, error) {
	return tx.postureStates(ids, "")
}

func (tx *Tx) postureStates(ids []portal.DeviceID, lock string) (map[portal.DeviceID]PostureState, error) {
	all := map[portal.DeviceID]PostureState{}
	for part := range chunks(ids) {
		var rows []devicePostureRow
		if err := tx.db.Raw("SELECT * FROM device_posture WHERE device_id IN ?"+lock, part).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("read verdicts: %w", err)
		}
		for _, r := range rows {
			all[portal.DeviceID(r.DeviceID)] = PostureState{
				Device: portal.DeviceID(r.DeviceID), Effect: posture.Severity(r.Effect), Would: posture.Severity(r.Would), Since: fromMicros(r.Since),
				JudgedAt: fromMicros(r.JudgedAt), Next: fromMicros(r.NextAt),
			}
		}
	}
	return all, nil
}

// CheckResults returns what these devices do not pass, by check.
func (tx *Tx) CheckResults(ids []portal.DeviceID) (map[portal.DeviceID][]CheckResult, error) {
	all := map[portal.DeviceID][]CheckResult{}
	for part := range chunks(ids) {
		var rows []deviceCheckRow
		if err := tx.db.Where("device_id IN ?", part).Order("check_id").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read results of checks: %w", err)
		}
		for _, r := range rows {
			one := r.result()
			all[one.Device] = append(all[one.Device], one)
		}
	}
	return all, nil
}

func (r deviceCheckRow) result() CheckResult {
	return CheckResult{
		Device: portal.DeviceID(r.DeviceID), Check: posture.CheckID(r.CheckID), Outcome: posture.Outcome(r.Outcome), Reason: posture.Reason(r.Reason), Seen: r.Seen,
		Severity: posture.Severity(r.Severity), Since: fromMicros(r.Since), Until: fromMicros(r.Until),
	}
}

// SavePosture keeps a verdict.
func (tx *Tx) SavePosture(s PostureState) error {
	err := tx.db.Exec(`INSERT INTO device_posture (device_id, effect, would, since, judged_at, next_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (device_id) DO UPDATE SET effect = excluded.effect, would = excluded.would, since = excluded.since, judged_at = excluded.judged_at, next_at = excluded.next_at`,
		string(s.Device), string(s.Effect), string(s.Would), micros(s.Since), micros(s.JudgedAt), micros(s.Next)).Error
	if err != nil {
		return fmt.Errorf("keep the verdict on device %s: %w", s.Device, err)
	}
	return nil
}

// SaveCheckResults replaces what a device does not pass.
func (tx *Tx) SaveCheckResults(device portal.DeviceID, results []CheckResult) error {
	if err := tx.db.Where("device_id = ?", string(device)).Delete(&deviceCheckRow{}).Error; err != nil {
		return fmt.Errorf("replace results of device %s: %w", device, err)
	}
	if len(results) == 0 {
		return nil
	}
	rows := make([]deviceCheckRow, len(results))
	for i, r := range results {
		rows[i] = deviceCheckRow{
			DeviceID: string(device), CheckID: string(r.Check), Outcome: string(r.Outcome), Reason: string(r.Reason), Seen: r.Seen, Severity: string(r.Severity),
			Since: micros(r.Since), Until: micros(r.Until),
		}
	}
	if err := tx.db.Create(&rows).Error; err != nil {
		return fmt.Errorf("keep results of device %s: %w", device, err)
	}
	return nil
}

// keptVerdicts is how many past verdicts of a device are remembered.
const keptVerdicts = 50

// AddPastVerdict remembers that a device has this verdict from now on.
func (tx *Tx) AddPastVerdict(device portal.DeviceID, v PastVerdict) error {
	err := tx.db.Exec(`INSERT INTO device_posture_history (device_id, at, effect, failing) VALUES (?, ?, ?, ?)
		ON CONFLICT (device_id, at) DO UPDATE SET effect = excluded.effect, failing = excluded.failing`,
		string(device), micros(v.At), string(v.Effect), list(v.Failing)).Error
	if err == nil {
		err = tx.db.Exec(`DELETE FROM device_posture_history WHERE device_id = ? AND at NOT IN
			(SELECT at FROM device_posture_history WHERE device_id = ? ORDER BY at DESC LIMIT ?)`, string(device), string(device), keptVerdicts).Error
	}
	if err != nil {
		return fmt.Errorf("remember the verdict on device %s: %w", device, err)
	}
	return nil
}

// PastVerdicts returns the verdicts of a device, the newest first.
func (tx *Tx) PastVerdicts(device portal.DeviceID) ([]PastVerdict, error) {
	var rows []struct {
		At      int64
		Effect  string
		Failing string
	}
	if err := tx.db.Raw("SELECT at, effect, failing FROM device_posture_history WHERE device_id = ? ORDER BY at DESC", string(device)).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read past verdicts of device %s: %w", device, err)
	}
	all := make([]PastVerdict, len(rows))
	for i, r := range rows {
		failing, err := fromList[string](r.Failing)
		if err != nil {
			return nil, err
		}
		all[i] = PastVerdict{At: fromMicros(r.At), Effect: posture.Severity(r.Effect), Failing: failing}
	}
	return all, nil
}

// JudgeAll makes every device due.
func (tx *Tx) JudgeAll() error {
	err := tx.db.Exec(`INSERT INTO device_posture (device_id, effect, would, since, judged_at, next_at)
		SELECT id, '', '', 0, 0, 0 FROM devices d WHERE NOT EXISTS (SELECT 1 FROM device_posture p WHERE p.device_id = d.id)`).Error
	if err == nil {
		err = tx.db.Exec("UPDATE device_posture SET next_at = ?", micros(tx.Now)).Error
	}
	if err != nil {
		return fmt.Errorf("have all devices judged: %w", err)
	}
	return nil
}

// JudgeDevices makes these devices due, of a person or one by itself.
func (tx *Tx) JudgeDevices(user portal.UserID, device portal.DeviceID) error {
	err := tx.db.Exec("UPDATE device_posture SET next_at = ? WHERE device_id = ? OR device_id IN (SELECT id FROM devices WHERE user_id = ?)",
		micros(tx.Now), string(device), string(user)).Error
	if err != nil {
		return fmt.Errorf("have devices judged: %w", err)
	}
	return nil
}

// LockDevice keeps others from telling facts about a device until the transaction ends. It returns portal.ErrNotFound.
func (tx *Tx) LockDevice(id portal.DeviceID) error {
	lock := " FOR NO KEY UPDATE"
	if tx.store.oneWriter() {
		lock = ""
	}
	var found []string
	if err := tx.db.Raw("SELECT id FROM devices WHERE id = ?"+lock, string(id)).Scan(&found).Error; err != nil {
		return fmt.Errorf("lock device %s: %w", id, err)
	}
	if len(found) == 0 {
		return portal.ErrNotFound
	}
	return nil
}

// PostureDue returns devices whose verdict may be another one by now, at most limit, those that wait longest first.
func (tx *Tx) PostureDue(limit int) (ids []portal.DeviceID, err error) {
	err = tx.db.Raw("SELECT device_id FROM device_posture WHERE next_at > 0 AND next_at <= ? ORDER BY next_at, device_id LIMIT ?", micros(tx.Now), limit).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("look for devices to judge: %w", err)
	}
	return ids, nil
}

// CheckCounts is how devices stand with one check.
type CheckCounts struct {
	Fails    int // it has an effect, or would have one if it did not only report
	Grace    int
	Waiting  int
	Excepted int
}

// CheckCounts returns how devices stand with each check that not all of them pass.
func (tx *Tx) CheckCounts() (map[posture.CheckID]CheckCounts, error) {
	var rows []struct {
		CheckID string
		Outcome string
		N       int
	}
	if err := tx.db.Raw("SELECT check_id, outcome, COUNT(*) AS n FROM device_checks GROUP BY check_id, outcome").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count results of checks: %w", err)
	}
	all := map[posture.CheckID]CheckCounts{}
	for _, r := range rows {
		c := all[posture.CheckID(r.CheckID)]
		switch posture.Outcome(r.Outcome) {
		case posture.Fails:
			c.Fails = r.N
		case posture.Grace:
			c.Grace = r.N
		case posture.Waiting:
			c.Waiting = r.N
		case posture.Excepted:
			c.Excepted = r.N
		default:
		}
		all[posture.CheckID(r.CheckID)] = c
	}
	return all, nil
}

// PostureCounts returns how many devices there are of each effect, of those that were judged.
func (tx *Tx) PostureCounts() (map[posture.Severity]int, error) {
	var rows []struct {
		Effect string
		N      int
	}
	if err := tx.db.Raw("SELECT effect, COUNT(*) AS n FROM device_posture WHERE judged_at > 0 GROUP BY effect").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count verdicts: %w", err)
	}
	all := map[posture.Severity]int{}
	for _, r := range rows {
		all[posture.Severity(r.Effect)] = r.N
	}
	return all, nil
}

// NotPassing returns devices that do not pass a check, in the order of their ids, at most limit after one.
func (tx *Tx) NotPassing(id posture.CheckID, after portal.DeviceID, limit int) ([]CheckResult, error) {
	var rows []deviceCheckRow
	err := tx.db.Where("check_id = ? AND device_id > ?", string(id), string(after)).Order("device_id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list devices that do not pass check %s: %w", id, err)
	}
	all := make([]CheckResult, len(rows))
	for i, r := range rows {
		all[i] = r.result()
	}
	return all, nil
}
