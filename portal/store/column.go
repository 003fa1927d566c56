package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// micros is how a time is kept: microseconds since 1970 UTC, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros is the inverse of micros.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// list is how a list is kept: JSON text, "[]" when it is empty.
func list[T any](items []T) string {
	if len(items) == 0 {
		return "[]"
	}
	b, err := json.Marshal(items)
	if err != nil {
		panic(fmt.Sprintf("store: list of %T cannot be written: %v", items, err)) // our own types: a bug, not an input
	}
	return string(b)
}

// structure is how a small structure is kept: JSON text.
func structure(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: %T cannot be written: %v", v, err)) // our own types: a bug, not an input
	}
	return string(b)
}

// fromList is the inverse of list; it returns nil for an empty one.
func fromList[T any](s string) ([]T, error) {
	var items []T
	if err := json.Unmarshal([]byte(s), &items); err != nil {
		return nil, fmt.Errorf("read list column: %w", err)
	}
	if len(items) == 0 {
		return nil, nil
	}
	return items, nil
}

// addrText is how an address is kept: "" for the zero one.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// fromAddrText is the inverse of addrText. What can't be read is the zero address.
func fromAddrText(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
