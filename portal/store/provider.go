package store

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type providerRow struct {
	ID           string `gorm:"primaryKey"`
	Enabled      bool
	Settings     string
	ClientSecret string
	Version      int64
	CreatedAt    int64 `gorm:"autoCreateTime:false"`
	UpdatedAt    int64 `gorm:"autoUpdateTime:false"`
}

func (providerRow) TableName() string { return "identity_providers" }

func (r providerRow) provider() (portal.IdentityProvider, error) {
	p := portal.IdentityProvider{
		ID: r.ID, Enabled: r.Enabled, Sealed: []byte(r.ClientSecret), Version: r.Version, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
	}
	if r.ClientSecret == "" {
		p.Sealed = nil
	}
	if err := json.Unmarshal([]byte(r.Settings), &p.Settings); err != nil {
		return p, fmt.Errorf("read provider %s: %w", r.ID, err)
	}
	return p, nil
}

// Providers returns the providers that were entered in the web app, oldest first.
func (tx *Tx) Providers() ([]portal.IdentityProvider, error) {
	var rows []providerRow
	if err := tx.db.Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list providers: %w", err)
	}
	all := make([]portal.IdentityProvider, len(rows))
	for i, r := range rows {
		p, err := r.provider()
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	return all, nil
}

// Provider returns one of them, or portal.ErrNotFound.
func (tx *Tx) Provider(id string) (portal.IdentityProvider, error) {
	var row providerRow
	if err := tx.db.Where("id = ?", id).Take(&row).Error; err != nil {
		return portal.IdentityProvider{}, translate(err)
	}
	return row.provider()
}

// LockProvider is Provider, and keeps others from changing it until the transaction ends.
func (tx *Tx) LockProvider(id string) (portal.IdentityProvider, error) {
	var row providerRow
	if err := tx.lockForChange().Where("id = ?", id).Take(&row).Error; err != nil {
		return portal.IdentityProvider{}, translate(err)
	}
	return row.provider()
}

// LockProviders keeps others who call it waiting until the transaction ends: whoever adds or changes a provider looks at all of them first.
// Sign-ins, which hold their own provider only, go on.
func (tx *Tx) LockProviders() error {
	if tx.store.oneWriter() {
		return nil
	}
	if err := tx.db.Exec("SELECT pg_advisory_xact_lock(?)", providersLock).Error; err != nil {
		return fmt.Errorf("lock providers: %w", err)
	}
	return nil
}

// providersLock is a number of our own among PostgreSQL's advisory locks: "prov" in ASCII.
const providersLock = 0x70726f76

// HoldProvider returns the version of one that is enabled, and keeps others from changing it until the transaction ends. It returns
// portal.ErrNotFound.
func (tx *Tx) HoldProvider(id string) (version int64, err error) {
	var row providerRow
	if err := tx.locking("SHARE").Select("version").Where("id = ? AND enabled", id).Take(&row).Error; err != nil {
		return 0, translate(err)
	}
	return row.Version, nil
}

// CreateProvider adds one. It returns portal.ErrDuplicate when the id is taken.
func (tx *Tx) CreateProvider(p portal.IdentityProvider) error {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return err
	}
	row := providerRow{
		ID: p.ID, Enabled: p.Enabled, Settings: string(settings), ClientSecret: string(p.Sealed), Version: micros(tx.Now), CreatedAt: micros(tx.Now), UpdatedAt: micros(tx.Now),
	}
	return translate(tx.db.Create(&row).Error)
}

// UpdateProvider replaces all but the id. It returns portal.ErrNotFound.
func (tx *Tx) UpdateProvider(p portal.IdentityProvider) error {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return err
	}
	return one(tx.db.Exec("UPDATE identity_providers SET enabled = ?, settings = ?, client_secret = ?, version = version + 1, updated_at = ? WHERE id = ?",
		p.Enabled, string(settings), string(p.Sealed), micros(tx.Now), p.ID))
}

// DeleteProvider removes one. It returns portal.ErrNotFound.
func (tx *Tx) DeleteProvider(id string) error {
	return one(tx.db.Where("id = ?", id).Delete(&providerRow{}))
}

// ResealProvider replaces a sealed client secret after a change of the master key. It returns portal.ErrNotFound when it is not old any more.
func (tx *Tx) ResealProvider(id string, old, sealed []byte) error {
	return one(tx.db.Exec("UPDATE identity_providers SET client_secret = ? WHERE id = ? AND client_secret = ?", string(sealed), id, string(old)))
}

type providerTestRow struct {
	ID        string `gorm:"primaryKey"`
	SessionID string
	Draft     string
	Result    string
	ExpiresAt int64
}

func (providerTestRow) TableName() string { return "provider_tests" }

// CreateProviderTest adds a test that begins.
func (tx *Tx) CreateProviderTest(t portal.ProviderTest) error {
	row := providerTestRow{ID: t.ID, SessionID: string(t.Session), Draft: string(t.Draft), ExpiresAt: micros(t.ExpiresAt)}
	return translate(tx.db.Create(&row).Error)
}

// ProviderTest returns a test, also when its time is over. It returns portal.ErrNotFound.
func (tx *Tx) ProviderTest(id string) (portal.ProviderTest, error) {
	var row providerTestRow
	if err := tx.db.Where("id = ?", id).Take(&row).Error; err != nil {
		return portal.ProviderTest{}, translate(err)
	}
	t := portal.ProviderTest{ID: row.ID, Session: portal.SessionID(row.SessionID), Draft: []byte(row.Draft), ExpiresAt: fromMicros(row.ExpiresAt)}
	if row.Result != "" {
		t.Result = []byte(row.Result)
	}
	return t, nil
}

// EndProviderTest writes what came of a test. It returns portal.ErrNotFound.
func (tx *Tx) EndProviderTest(id string, result []byte) error {
	return one(tx.db.Exec("UPDATE provider_tests SET result = ? WHERE id = ?", string(result), id))
}

// ForgetProviderTests removes the tests that are sealed with another key than the one whose values begin with current, and returns how many.
func (tx *Tx) ForgetProviderTests(current string) (int, error) {
	res := tx.db.Where("substr(draft, 1, ?) <> ? OR result <> '' AND substr(result, 1, ?) <> ?", len(current), current, len(current), current).
		Delete(&providerTestRow{})
	return int(res.RowsAffected), res.Error
}

// SweepProviderTests forgets tests whose time is over and returns how many.
func (tx *Tx) SweepProviderTests() (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(tx.Now)).Delete(&providerTestRow{})
	return res.RowsAffected, res.Error
}
