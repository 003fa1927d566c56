package store

import "testing"

// Exec runs a statement behind the back of the store.
func Exec(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	if err := s.write.Exec(statement, args...).Error; err != nil {
		t.Fatal(err)
	}
}
