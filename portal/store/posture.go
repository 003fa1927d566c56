package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
)

type postureCheckRow struct {
	ID         string `gorm:"primaryKey"`
	Name       string
	Rule       string
	Platforms  string
	Severity   string
	Unknown    string
	Grace      int64
	ReportOnly bool
	Help       string
	ChangedAt  int64
}

func (postureCheckRow) TableName() string { return "posture_checks" }

func newPostureCheckRow(c posture.Check) postureCheckRow {
	return postureCheckRow{
		ID: string(c.ID), Name: c.Name, Rule: c.Rule.String(), Platforms: list(c.Platforms), Severity: string(c.Severity), Unknown: string(c.Unknown),
		Grace: int64(c.Grace / time.Second), ReportOnly: c.ReportOnly, Help: c.Help, ChangedAt: micros(c.ChangedAt),
	}
}

func (r postureCheckRow) check() (posture.Check, error) {
	rule, err := posture.ParseRule(r.Rule)
	if err != nil {
		return posture.Check{}, fmt.Errorf("read posture check %s: %w", r.ID, err)
	}
	on, err := fromList[portal.Platform](r.Platforms)
	if err != nil {
		return posture.Check{}, fmt.Errorf("read posture check %s: %w", r.ID, err)
	}
	return posture.Check{
		ID: posture.CheckID(r.ID), Name: r.Name, Rule: rule, Platforms: on, Severity: posture.Severity(r.Severity), Unknown: posture.Unknown(r.Unknown),
		Grace: time.Duration(r.Grace) * time.Second, ReportOnly: r.ReportOnly, Help: r.Help, ChangedAt: fromMicros(r.ChangedAt),
	}, nil
}

type postureExceptionRow struct {
	ID        string `gorm:"primaryKey"`
	CheckID   *string
	UserID    *string
	DeviceID  *string
	Until     int64
	Reason    string
	ByUser    string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (postureExceptionRow) TableName() string { return "posture_exceptions" }

func (r postureExceptionRow) exception() posture.Exception {
	return posture.Exception{
		ID: posture.ExceptionID(r.ID), Check: posture.CheckID(orEmpty(r.CheckID)), User: portal.UserID(orEmpty(r.UserID)), Device: portal.DeviceID(orEmpty(r.DeviceID)),
		Until: fromMicros(r.Until), Reason: r.Reason, By: portal.UserID(r.ByUser), At: fromMicros(r.CreatedAt),
	}
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func orNull[T ~string](s T) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}

// PosturePolicy returns all that devices are judged by, exceptions that are over left out. Until the transaction ends nobody changes it
// who would not have every device judged anew afterwards.
func (tx *Tx) PosturePolicy() (posture.Policy, error) {
	if tx.store.oneWriter() {
		return tx.ShownPosturePolicy()
	}
	return tx.posturePolicy(" FOR SHARE")
}

// ShownPosturePolicy is the same for who only looks.
func (tx *Tx) ShownPosturePolicy() (posture.Policy, error) { return tx.posturePolicy("") }

// HasPostureChecks reports whether anything is asked of anybody. Under the feed lock that stays so.
func (tx *Tx) HasPostureChecks() (bool, error) {
	var n int64
	if err := tx.db.Raw("SELECT COUNT(*) FROM posture_checks").Scan(&n).Error; err != nil {
		return false, fmt.Errorf("count posture checks: %w", err)
	}
	return n > 0, nil
}

func (tx *Tx) posturePolicy(lock string) (p posture.Policy, err error) {
	var times struct{ Settle, Silence int64 }
	if err := tx.db.Raw("SELECT settle, silence FROM posture_settings WHERE id = 1" + lock).Scan(&times).Error; err != nil {
		return p, fmt.Errorf("read posture settings: %w", err)
	}
	p.Settle, p.Silence = time.Duration(times.Settle)*time.Second, time.Duration(times.Silence)*time.Second
	if p.Checks, err = tx.PostureChecks(); err != nil || len(p.Checks) == 0 {
		return p, err
	}
	p.Exceptions, err = tx.PostureExceptions()
	p.Exceptions = slices.DeleteFunc(p.Exceptions, func(e posture.Exception) bool { return !tx.Now.Before(e.Until) })
	return p, err
}

// ChangePosture keeps others from judging until the transaction ends. Call it before policy is read that is about to change.
func (tx *Tx) ChangePosture() error {
	return one(tx.db.Exec("UPDATE posture_settings SET version = version + 1 WHERE id = 1"))
}

// SetPostureTimes sets how long devices have until their first word, and how long their last one is good for.
func (tx *Tx) SetPostureTimes(settle, silence time.Duration) error {
	return one(tx.db.Exec("UPDATE posture_settings SET settle = ?, silence = ? WHERE id = 1", int64(settle/time.Second), int64(silence/time.Second)))
}

// PostureChecks returns every check, by name.
func (tx *Tx) PostureChecks() ([]posture.Check, error) {
	var rows []postureCheckRow
	if err := tx.db.Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list posture checks: %w", err)
	}
	all := make([]posture.Check, len(rows))
	for i, r := range rows {
		c, err := r.check()
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

// PostureCheck returns one check, or portal.ErrNotFound.
func (tx *Tx) PostureCheck(id posture.CheckID) (posture.Check, error) {
	var row postureCheckRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return posture.Check{}, translate(err)
	}
	return row.check()
}

// CreatePostureCheck adds a check. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreatePostureCheck(c posture.Check) error {
	row := newPostureCheckRow(c)
	return translate(tx.db.Create(&row).Error)
}

// UpdatePostureCheck replaces a check. It returns portal.ErrNotFound, or portal.ErrDuplicate when the name is taken.
func (tx *Tx) UpdatePostureCheck(c posture.Check) error {
	row := newPostureCheckRow(c)
	return one(tx.db.Model(&postureCheckRow{}).Where("id = ?", row.ID).Select("*").Omit("id").Updates(&row))
}

// DeletePostureCheck removes a check with its exceptions and results.
func (tx *Tx) DeletePostureCheck(id posture.CheckID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&postureCheckRow{}))
}

// PostureExceptions returns every exception, the one that ends first first, also those that are over and not swept yet.
func (tx *Tx) PostureExceptions() ([]posture.Exception, error) {
	var rows []postureExceptionRow
	if err := tx.db.Order("until, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list posture exceptions: %w", err)
	}
	all := make([]posture.Exception, len(rows))
	for i, r := range rows {
		all[i] = r.exception()
	}
	return all, nil
}

// PostureException returns one exception, or portal.ErrNotFound.
func (tx *Tx) PostureException(id posture.ExceptionID) (posture.Exception, error) {
	var row postureExceptionRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return posture.Exception{}, translate(err)
	}
	return row.exception(), nil
}

// CreatePostureException adds an exception.
func (tx *Tx) CreatePostureException(e posture.Exception) error {
	row := postureExceptionRow{
		ID: string(e.ID), CheckID: orNull(e.Check), UserID: orNull(e.User), DeviceID: orNull(e.Device), Until: micros(e.Until), Reason: e.Reason,
		ByUser: string(e.By), CreatedAt: micros(e.At),
	}
	return translate(tx.db.Create(&row).Error)
}

// DeletePostureException removes an exception. It returns portal.ErrNotFound.
func (tx *Tx) DeletePostureException(id posture.ExceptionID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&postureExceptionRow{}))
}

// SweepPostureExceptions forgets exceptions that are over.
func (tx *Tx) SweepPostureExceptions() error {
	return tx.db.Where("until <= ?", micros(tx.Now)).Delete(&postureExceptionRow{}).Error
}
