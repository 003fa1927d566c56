package migrations

import (
	"context"
	"database/sql"
)

// Apply applies these files in this order.
func Apply(ctx context.Context, db *sql.DB, engine Engine, versions ...int64) error {
	p, err := provider(db, engine)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if _, err := p.ApplyVersion(ctx, v, true); err != nil {
			return err
		}
	}
	return nil
}
