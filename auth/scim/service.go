package scim

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Path is where SCIM lives below the portal's public URL.
const Path = "/scim/v2"

// Service answers directories. Fill the fields, then use it from any number of goroutines.
type Service struct {
	Store    *store.Store
	Accounts Accounts
	Tunnels  Tunnels
	Public   string       // the portal's URL without a slash at the end
	Log      *slog.Logger // nil for none
}

// Accounts suspends people and lets them in again, in the caller's transaction; *auth.Service does.
type Accounts interface {
	// Deactivate suspends a person and ends sessions, tokens and tunnels; changed is false when they were suspended already.
	Deactivate(tx *store.Tx, by portal.Actor, id portal.UserID) (changed bool, err error)
	// Reactivate undoes it.
	Reactivate(tx *store.Tx, by portal.Actor, id portal.UserID) (changed bool, err error)
	// EndAccess ends sessions and tokens.
	EndAccess(tx *store.Tx, by portal.Actor, id portal.UserID) error
}

// Tunnels is what happens to devices, in the caller's transaction; *peers.Service does it.
type Tunnels interface {
	// RevokeAll removes all devices of a person.
	RevokeAll(tx *store.Tx, by portal.Actor, id portal.UserID) error
	// PeopleChanged works out again what people may reach whose groups changed.
	PeopleChanged(tx *store.Tx, by portal.Actor, ids []portal.UserID) error
	// GroupUnused reports, until the transaction ends, that no rule and no profile names a group.
	GroupUnused(tx *store.Tx, group portal.GroupID) (bool, error)
}

// caller is a directory and the request that it sent.
type caller struct {
	token portal.SCIMToken
	by    portal.Actor
	now   time.Time // when the request came in
	// If-Match: the versions that a change may apply to; nil for any.
	match []string
}

// URL is what a directory is told to write to.
func (s *Service) URL() string { return s.Public + Path }

// write runs fn in a transaction in which the caller's token can't be revoked.
func (s *Service) write(ctx context.Context, c caller, fn func(tx *store.Tx) error) error {
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.HoldSCIMToken(c.token.ID); err != nil {
			return errToken // revoked since the request came in
		}
		return fn(tx)
	})
}

// fresh refuses a change to another version than the caller has read.
func (c caller) fresh(version uint64) error {
	if c.match == nil || anyTag(c.match, version) {
		return nil
	}
	return errVersion
}

// tag is the weak entity tag of a version (RFC 7644, section 3.14).
func tag(version uint64) string { return `W/"` + strconv.FormatUint(version, 10) + `"` }

// anyTag compares weakly (RFC 9110, section 8.8.3.2).
func anyTag(tags []string, version uint64) bool {
	want := strings.TrimPrefix(tag(version), "W/")
	for _, t := range tags {
		if t == "*" || strings.TrimPrefix(t, "W/") == want {
			return true
		}
	}
	return false
}

// tags cuts If-Match and If-None-Match; nil where the header is not there.
func tags(header []string) []string {
	var all []string
	for _, line := range header {
		for t := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(t))
		}
	}
	return all
}

// meta is what every resource says of itself.
func (s *Service) meta(kind, id string, version uint64, created, changed time.Time) object {
	return object{
		"resourceType": kind, "location": s.location(kind, id), "version": tag(version),
		"created": created.Format(time.RFC3339Nano), "lastModified": changed.Format(time.RFC3339Nano),
	}
}

func (s *Service) location(kind, id string) string { return s.Public + Path + "/" + kind + "s/" + id }

// maxID bounds what may be an id at all, in bytes.
const maxID = 64

func plainID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}
