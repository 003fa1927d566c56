package store

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

type userRow struct {
	ID         string `gorm:"primaryKey"`
	Name       string
	Email      string
	Role       string
	RoleSource string
	State      string
	Locale     string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	LastSignIn int64
	GraceFrom  int64
	VouchedAt  int64
}

func (userRow) TableName() string { return "users" }

func (r userRow) user() portal.User {
	return portal.User{
		ID: portal.UserID(r.ID), Name: r.Name, Email: r.Email, Role: portal.Role(r.Role), State: portal.UserState(r.State), Locale: r.Locale,
		CreatedAt: fromMicros(r.CreatedAt), LastSignIn: fromMicros(r.LastSignIn),
	}
}

// RoleSource says who gave a role, and so who may take it again.
type RoleSource string

// The sources of a role.
const (
	RoleFromClaim RoleSource = "claim"
	RoleLocal     RoleSource = "local"
)

// ByClaim reports whether a provider's claim gave the role ("claim:PROVIDER", or "claim" from before there were several).
func (s RoleSource) ByClaim() bool {
	return s == RoleFromClaim || strings.HasPrefix(string(s), string(RoleFromClaim)+":")
}

// CreateUser adds a person. The role counts as given locally until SetRole says otherwise.
func (tx *Tx) CreateUser(u portal.User) error {
	row := userRow{
		ID: string(u.ID), Name: u.Name, Email: u.Email, Role: string(u.Role), RoleSource: string(RoleLocal), State: string(u.State),
		Locale: u.Locale, CreatedAt: micros(u.CreatedAt), LastSignIn: micros(u.LastSignIn),
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create user: %w", translate(err))
	}
	return nil
}

// User returns a person. It returns portal.ErrNotFound when there is none.
func (tx *Tx) User(id portal.UserID) (portal.User, error) {
	var row userRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.User{}, translate(err)
	}
	return row.user(), nil
}

// LockUser returns a person and keeps others from changing them until the transaction ends. It returns portal.ErrNotFound.
func (tx *Tx) LockUser(id portal.UserID) (portal.User, error) {
	var row userRow
	if err := tx.lockForChange().Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.User{}, translate(err)
	}
	return row.user(), nil
}

// RoleSource returns who gave a person's role. It returns portal.ErrNotFound when there is no such person.
func (tx *Tx) RoleSource(id portal.UserID) (RoleSource, error) {
	var row userRow
	if err := tx.db.Select("role_source").Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return "", translate(err)
	}
	return RoleSource(row.RoleSource), nil
}

// Users returns up to limit people in the order of their ids after the one named, "" for the beginning. search, when not "", must occur
// in name or address, in any case of ASCII letters.
func (tx *Tx) Users(search string, after portal.UserID, limit int) ([]portal.User, error) {
	q := tx.db.Where("id > ?", string(after)).Order("id").Limit(limit)
	if search != "" {
		like := "%" + likeEscape.Replace(strings.ToLower(search)) + "%"
		q = q.Where(`(lower(name) LIKE ? ESCAPE '\' OR lower(email) LIKE ? ESCAPE '\')`, like, like)
	}
	var rows []userRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	users := make([]portal.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, nil
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// UpdateUser writes what a provider says of a person: name, address, and the time of the sign-in. It returns portal.ErrNotFound.
func (tx *Tx) UpdateUser(u portal.User) error {
	return one(tx.db.Model(&userRow{}).Where("id = ?", string(u.ID)).Updates(map[string]any{
		"name": u.Name, "email": u.Email, "last_sign_in": micros(u.LastSignIn),
	}))
}

// SetLocale writes the language that a person chose. It returns portal.ErrNotFound.
func (tx *Tx) SetLocale(id portal.UserID, locale string) error {
	return one(tx.db.Model(&userRow{}).Where("id = ?", string(id)).Updates(map[string]any{"locale": locale}))
}

// SetUserState writes whether a person may use anything. It returns portal.ErrNotFound.
func (tx *Tx) SetUserState(id portal.UserID, state portal.UserState) error {
	return one(tx.db.Model(&userRow{}).Where("id = ?", string(id)).Updates(map[string]any{"state": string(state)}))
}

// SetRole writes a person's role and who gave it. It returns portal.ErrNotFound.
func (tx *Tx) SetRole(id portal.UserID, role portal.Role, from RoleSource) error {
	return one(tx.db.Model(&userRow{}).Where("id = ?", string(id)).Updates(map[string]any{"role": string(role), "role_source": string(from)}))
}

// LockPrivileged returns everybody with one of the roles, in the order of ids, and keeps others from changing them until the
// transaction ends: two that remove each other come one after the other.
func (tx *Tx) LockPrivileged(roles ...portal.Role) ([]portal.User, error) {
	var rows []userRow
	if err := tx.lockForChange().Where("role IN ?", roles).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock privileged users: %w", err)
	}
	users := make([]portal.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, nil
}

// MissingUsers returns those of ids that are no person.
func (tx *Tx) MissingUsers(ids []portal.UserID) ([]portal.UserID, error) {
	return missing(tx, "users", ids)
}

// UserNames returns the names of people; who is gone is not in the map.
func (tx *Tx) UserNames(ids []portal.UserID) (map[portal.UserID]string, error) {
	names := map[portal.UserID]string{}
	for part := range chunks(ids) {
		var rows []struct {
			ID   portal.UserID
			Name string
		}
		if err := tx.db.Raw("SELECT id, name FROM users WHERE id IN ?", part).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("read names of people: %w", err)
		}
		for _, r := range rows {
			names[r.ID] = r.Name
		}
	}
	return names, nil
}
