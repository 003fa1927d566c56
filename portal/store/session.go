package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type sessionRow struct {
	ID         string `gorm:"primaryKey"`
	SecretHash string
	UserID     string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	SeenAt     int64
	ExpiresAt  int64
	FactorAt   int64
	FactorKind string
	Provider   string
	UserAgent  string
	Addr       string
	Issuer     string
	IDPSubject string `gorm:"column:idp_subject"`
	IDPSession string `gorm:"column:idp_session"`
	IDToken    string `gorm:"column:id_token"`
}

func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) session() portal.Session {
	return portal.Session{
		ID: portal.SessionID(r.ID), User: portal.UserID(r.UserID), CreatedAt: fromMicros(r.CreatedAt), SeenAt: fromMicros(r.SeenAt),
		ExpiresAt: fromMicros(r.ExpiresAt), FactorAt: fromMicros(r.FactorAt), Factor: portal.FactorKind(r.FactorKind), Provider: r.Provider, UserAgent: r.UserAgent, Addr: fromAddrText(r.Addr),
		Upstream: portal.Upstream{Issuer: r.Issuer, Subject: r.IDPSubject, Session: r.IDPSession, IDToken: r.IDToken},
	}
}

// CreateSession adds a session under the hash of its secret.
func (tx *Tx) CreateSession(s portal.Session, secretHash string) error {
	row := sessionRow{
		ID: string(s.ID), SecretHash: secretHash, UserID: string(s.User), CreatedAt: micros(s.CreatedAt), SeenAt: micros(s.SeenAt),
		ExpiresAt: micros(s.ExpiresAt), FactorAt: micros(s.FactorAt), FactorKind: string(s.Factor), Provider: s.Provider, UserAgent: s.UserAgent, Addr: addrText(s.Addr),
		Issuer: s.Upstream.Issuer, IDPSubject: s.Upstream.Subject, IDPSession: s.Upstream.Session, IDToken: s.Upstream.IDToken,
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create session: %w", translate(err))
	}
	return nil
}

// SessionBySecret returns the session whose secret has this hash, also when its time is over, without its ID token. It returns
// portal.ErrNotFound.
func (tx *Tx) SessionBySecret(secretHash string) (portal.Session, error) {
	var row sessionRow
	if err := tx.db.Omit("id_token").Where("secret_hash = ?", secretHash).Take(&row).Error; err != nil {
		return portal.Session{}, translate(err)
	}
	return row.session(), nil
}

// Session returns a session, also when its time is over. It returns portal.ErrNotFound.
func (tx *Tx) Session(id portal.SessionID) (portal.Session, error) {
	var row sessionRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Session{}, translate(err)
	}
	return row.session(), nil
}

// Sessions returns a person's sessions that have not reached their end, newest first, without their ID tokens.
func (tx *Tx) Sessions(id portal.UserID) ([]portal.Session, error) {
	var rows []sessionRow
	if err := tx.db.Omit("id_token").Where("user_id = ? AND expires_at > ?", string(id), micros(tx.Now)).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	sessions := make([]portal.Session, len(rows))
	for i, r := range rows {
		sessions[i] = r.session()
	}
	return sessions, nil
}

// TouchSession notes that a session is in use. A session that has gone meanwhile stays gone.
func (tx *Tx) TouchSession(id portal.SessionID) error {
	return tx.db.Exec("UPDATE sessions SET seen_at = ? WHERE id = ?", micros(tx.Now), string(id)).Error
}

// ProveSession notes that a second factor was shown in a session: its secret, its end and the time of the factor change at once.
// It returns portal.ErrNotFound when the session has ended meanwhile.
func (tx *Tx) ProveSession(id portal.SessionID, secretHash string, kind portal.FactorKind, expires time.Time) error {
	return one(tx.db.Model(&sessionRow{}).Where("id = ?", string(id)).Updates(map[string]any{
		"secret_hash": secretHash, "factor_at": micros(tx.Now), "factor_kind": string(kind), "seen_at": micros(tx.Now), "expires_at": micros(expires),
	}))
}

// DeleteSession ends one session of a person. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (tx *Tx) DeleteSession(user portal.UserID, id portal.SessionID) error {
	return one(tx.db.Where("id = ? AND user_id = ?", string(id), string(user)).Delete(&sessionRow{}))
}

// DeleteSessions ends all sessions of a person but the one named ("" for none) and returns how many.
func (tx *Tx) DeleteSessions(user portal.UserID, except portal.SessionID) (int, error) {
	res := tx.db.Where("user_id = ? AND id <> ?", string(user), string(except)).Delete(&sessionRow{})
	return int(res.RowsAffected), res.Error
}

// SweepSessions forgets sessions that reached their end, or were not seen since idleSince, and returns how many.
func (tx *Tx) SweepSessions(idleSince time.Time) (int64, error) {
	res := tx.db.Where("expires_at < ? OR seen_at < ?", micros(tx.Now), micros(idleSince)).Delete(&sessionRow{})
	return res.RowsAffected, res.Error
}

// EndUpstream ends the sessions that a provider's own session began: by its subject, by its id, or by both ("" for either: any). It returns
// whose they were, each once, and how many there were. Without a subject and an id it ends none.
func (tx *Tx) EndUpstream(issuer, subject, session string) (users []portal.UserID, ended int, err error) {
	if issuer == "" || subject == "" && session == "" {
		return nil, 0, nil
	}
	var owners []portal.UserID
	err = tx.db.Raw(`DELETE FROM sessions WHERE issuer = ? AND (? = '' OR idp_subject = ?) AND (? = '' OR idp_session = ?) RETURNING user_id`,
		issuer, subject, subject, session, session).Scan(&owners).Error
	if err != nil {
		return nil, 0, fmt.Errorf("end sessions of a provider: %w", err)
	}
	ended = len(owners)
	slices.Sort(owners)
	return slices.Compact(owners), ended, nil
}

// ForgetIDTokens removes the ID tokens that are sealed with another key than the one whose values begin with current, and returns how many.
func (tx *Tx) ForgetIDTokens(current string) (int, error) {
	res := tx.db.Exec("UPDATE sessions SET id_token = '' WHERE id_token <> '' AND substr(id_token, 1, ?) <> ?", len(current), current)
	return int(res.RowsAffected), res.Error
}

// EndSessionsOf ends the sessions that a provider began, by its id here, and returns how many.
func (tx *Tx) EndSessionsOf(provider string) (int, error) {
	res := tx.db.Where("provider = ?", provider).Delete(&sessionRow{})
	return int(res.RowsAffected), res.Error
}

// SessionCount is how many live sessions a provider began, and of how many people.
type SessionCount struct{ Sessions, People int }

// CountSessions counts live sessions by what began them, seen since idleSince.
func (tx *Tx) CountSessions(idleSince time.Time) (map[string]SessionCount, error) {
	var rows []struct {
		Provider         string
		Sessions, People int
	}
	err := tx.db.Raw("SELECT provider, COUNT(*) AS sessions, COUNT(DISTINCT user_id) AS people FROM sessions WHERE expires_at > ? AND seen_at > ? GROUP BY provider",
		micros(tx.Now), micros(idleSince)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count sessions: %w", err)
	}
	by := map[string]SessionCount{}
	for _, r := range rows {
		by[r.Provider] = SessionCount{r.Sessions, r.People}
	}
	return by, nil
}
