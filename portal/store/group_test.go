package store_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// addUser writes a person behind the back of the package that owns the table.
func addUser(t testing.TB, s *store.Store, id portal.UserID) portal.UserID {
	t.Helper()
	store.Exec(t, s, `INSERT INTO users (id, name, email, role, state, locale, created_at, last_sign_in) VALUES (?, ?, '', 'user', 'active', '', 0, 0)`,
		string(id), "Person "+string(id))
	return id
}

func inTx(t testing.TB, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Tx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestEachSourceRemovesOnlyWhatItGave(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		u := addUser(t, s, "u1")
		set := func(source portal.GroupSource, names ...string) (changed bool) {
			inTx(t, s, func(tx *store.Tx) (err error) {
				changed, err = tx.SetMemberships(u, source, names)
				return err
			})
			return changed
		}
		steps := []struct {
			source  portal.GroupSource
			names   []string
			changed bool
			want    string
		}{
			{portal.SourceClaim, []string{"eng", "ops", "eng", " ", "bad\x00name", strings.Repeat("x", 257)}, true, "eng[claim] ops[claim]"},
			{portal.SourceClaim, []string{"ops", "eng"}, false, "eng[claim] ops[claim]"},
			{portal.SourceSCIM, []string{"eng"}, false, "eng[claim scim] ops[claim]"},
			{portal.SourceClaim, nil, true, "eng[scim]"},
			{portal.SourceSCIM, []string{"<b>개발</b>"}, true, "<b>개발</b>[scim]"},
		}
		for _, step := range steps {
			if got := set(step.source, step.names...); got != step.changed {
				t.Errorf("%s %q: changed is %v, want %v", step.source, step.names, got, step.changed)
			}
			if got := groupsText(t, s, u); got != step.want {
				t.Errorf("after %s %q: groups %q, want %q", step.source, step.names, got, step.want)
			}
		}
	})
}

func TestSameNewGroupAtManySignInsIsOneGroup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ids := []portal.UserID{"a", "b", "c", "d", "e", "f", "g", "h"}
		for _, id := range ids {
			addUser(t, s, id)
		}
		var wg sync.WaitGroup
		for _, id := range ids {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					_, err := tx.SetMemberships(id, portal.SourceClaim, []string{"new", "newer"})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		inTx(t, s, func(tx *store.Tx) error {
			groups, members, err := tx.Groups()
			var names []string
			for _, g := range groups {
				names = append(names, g.Name)
				if g.ID != portal.Everyone && members[g.ID] != len(ids) {
					t.Errorf("group %s has %d members, want %d", g.Name, members[g.ID], len(ids))
				}
			}
			if !slices.Equal(names, []string{"Everyone", "new", "newer"}) {
				t.Errorf("groups are %q", names)
			}
			return err
		})
	})
}

func groupsText(t *testing.T, s *store.Store, user portal.UserID) string {
	t.Helper()
	var parts []string
	inTx(t, s, func(tx *store.Tx) error {
		all, err := tx.GroupsOf(user)
		for _, m := range all {
			sources := make([]string, len(m.Sources))
			for i, src := range m.Sources {
				sources[i] = string(src)
			}
			parts = append(parts, m.Group.Name+"["+strings.Join(sources, " ")+"]")
		}
		return err
	})
	return strings.Join(parts, " ")
}
