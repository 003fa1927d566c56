package api

import (
	"fmt"
	"net/netip"
	"time"
)

// Helpers between nouns and the generated types. Those have inner structs without names, so lists of them are grown in place.

// add appends a zero element to list and returns it.
func add[E any](list *[]E) *E {
	var zero E
	*list = append(*list, zero)
	return &(*list)[len(*list)-1]
}

// newOf returns a new value of the type that the nil pointer would point to.
func newOf[E any](*E) *E { return new(E) }

// empty returns a list that is encoded as [] and not as null.
func empty[E any]([]E) []E { return []E{} }

// moment is nil for the zero time, which the contract leaves out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// text is nil for "", which the contract leaves out.
func text[T ~string](s T) *string {
	if s == "" {
		return nil
	}
	t := string(s)
	return &t
}

// texts is a list of their text forms, never nil.
func texts[T fmt.Stringer](items []T) []string {
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = x.String()
	}
	return out
}

// ids is a list of ids as text, never nil.
func ids[T ~string](items []T) []string {
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = string(x)
	}
	return out
}

// idsFrom is the way back. nil stays nil.
func idsFrom[T ~string](items []string) []T {
	if items == nil {
		return nil
	}
	out := make([]T, len(items))
	for i, x := range items {
		out[i] = T(x)
	}
	return out
}

// or returns what p points to, the zero value for nil.
func or[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
