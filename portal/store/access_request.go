package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type accessRequestRow struct {
	ID         string `gorm:"primaryKey"`
	UserID     string
	ResourceID string
	Reason     string
	Seconds    int64
	State      string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	DecidedBy  string
	DecidedAt  int64
	Note       string
	RuleID     string
	Until      int64
}

func (accessRequestRow) TableName() string { return "access_requests" }

func newAccessRequestRow(r portal.AccessRequest) accessRequestRow {
	return accessRequestRow{
		ID: string(r.ID), UserID: string(r.User), ResourceID: string(r.Resource), Reason: r.Reason, Seconds: seconds(r.For), State: string(r.State),
		CreatedAt: micros(r.CreatedAt), DecidedBy: string(r.DecidedBy), DecidedAt: micros(r.DecidedAt), Note: r.Note, RuleID: string(r.Rule),
		Until: micros(r.Until),
	}
}

func (r accessRequestRow) request() portal.AccessRequest {
	return portal.AccessRequest{
		ID: portal.RequestID(r.ID), User: portal.UserID(r.UserID), Resource: portal.ResourceID(r.ResourceID), Reason: r.Reason,
		For: time.Duration(r.Seconds) * time.Second, State: portal.RequestState(r.State), CreatedAt: fromMicros(r.CreatedAt),
		DecidedBy: portal.UserID(r.DecidedBy), DecidedAt: fromMicros(r.DecidedAt), Note: r.Note, Rule: portal.RuleID(r.RuleID), Until: fromMicros(r.Until),
	}
}

// CreateAccessRequest adds a request. It returns portal.ErrDuplicate when the person has an open one for the resource.
func (tx *Tx) CreateAccessRequest(r portal.AccessRequest) error {
	row := newAccessRequestRow(r)
	return translate(tx.db.Create(&row).Error)
}

// UpdateAccessRequest keeps what became of a request.
func (tx *Tx) UpdateAccessRequest(r portal.AccessRequest) error {
	row := newAccessRequestRow(r)
	return one(tx.db.Model(&accessRequestRow{}).Where("id = ?", row.ID).Select("state", "decided_by", "decided_at", "note", "rule_id", "until").Updates(&row))
}

// AccessRequest returns one request, or portal.ErrNotFound.
func (tx *Tx) AccessRequest(id portal.RequestID) (portal.AccessRequest, error) {
	var row accessRequestRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.AccessRequest{}, translate(err)
	}
	return row.request(), nil
}

// RequestFilter selects requests. The zero value selects all.
type RequestFilter struct {
	User  portal.UserID
	State portal.RequestState
	Ended time.Time // approved ones whose time was over then and whose rule is still there
	Limit int       // 0: all
}

// AccessRequests returns the requests that the filter selects, newest first.
func (tx *Tx) AccessRequests(f RequestFilter) ([]portal.AccessRequest, error) {
	q := tx.db.Order("id DESC")
	if f.User != "" {
		q = q.Where("user_id = ?", string(f.User))
	}
	if f.State != "" {
		q = q.Where("state = ?", string(f.State))
	}
	if !f.Ended.IsZero() {
		q = q.Where("state = ? AND rule_id <> '' AND until <= ?", string(portal.RequestApproved), micros(f.Ended))
	}
	if f.Limit > 0 {
		q = q.Limit(f.Limit)
	}
	var rows []accessRequestRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list access requests: %w", err)
	}
	all := make([]portal.AccessRequest, len(rows))
	for i, r := range rows {
		all[i] = r.request()
	}
	return all, nil
}

// CountRequests counts a person's requests in a state.
func (tx *Tx) CountRequests(user portal.UserID, state portal.RequestState) (n int, err error) {
	if err := tx.db.Raw("SELECT COUNT(*) FROM access_requests WHERE user_id = ? AND state = ?", string(user), string(state)).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count access requests: %w", err)
	}
	return n, nil
}

// RequestRules returns the rules that are there because of requests.
func (tx *Tx) RequestRules() (map[portal.RuleID]bool, error) {
	var ids []portal.RuleID
	if err := tx.db.Raw("SELECT rule_id FROM access_requests WHERE rule_id <> ''").Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("list rules of access requests: %w", err)
	}
	rules := make(map[portal.RuleID]bool, len(ids))
	for _, id := range ids {
		rules[id] = true
	}
	return rules, nil
}

// EndRequestOfRule notes that a rule is gone, where a request is why it was there.
func (tx *Tx) EndRequestOfRule(id portal.RuleID) error {
	err := tx.db.Exec("UPDATE access_requests SET state = CASE WHEN until > ? THEN ? ELSE state END, rule_id = '' WHERE rule_id = ?",
		micros(tx.Now), string(portal.RequestEnded), string(id)).Error
	if err != nil {
		return fmt.Errorf("end the request of rule %s: %w", id, err)
	}
	return nil
}

// RequestsDue reports whether there is something for a sweep to do: access whose time is over with a rule that is still there, or what
// SweepRequests is for.
func (tx *Tx) RequestsDue(open, kept time.Time) (due bool, err error) {
	err = tx.db.Raw(`SELECT EXISTS (SELECT 1 FROM access_requests WHERE state = ? AND rule_id <> '' AND until <= ?
		OR state = ? AND created_at < ? OR state <> ? AND rule_id = '' AND created_at < ?)`,
		string(portal.RequestApproved), micros(tx.Now), string(portal.RequestOpen), micros(open), string(portal.RequestOpen), micros(kept)).Scan(&due).Error
	if err != nil {
		return false, fmt.Errorf("look for access requests that are due: %w", err)
	}
	return due, nil
}

// SweepRequests lets open requests expire that are older than open, and forgets those older than kept that nothing depends on.
func (tx *Tx) SweepRequests(open, kept time.Time) error {
	err := tx.db.Exec("UPDATE access_requests SET state = ? WHERE state = ? AND created_at < ?",
		string(portal.RequestExpired), string(portal.RequestOpen), micros(open)).Error
	if err == nil {
		err = tx.db.Exec("DELETE FROM access_requests WHERE created_at < ? AND state <> ? AND rule_id = ''", micros(kept), string(portal.RequestOpen)).Error
	}
	if err != nil {
		return fmt.Errorf("sweep access requests: %w", err)
	}
	return nil
}
