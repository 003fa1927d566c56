// Package geotest makes tiny databases of places, for tests.
package geotest

import (
	"bytes"
	"encoding/binary"
)

// Database returns one in MaxMind's format (version 2.0) that puts 203.0.113.0/24 into a country and a city and knows nothing else: a search
// tree of 24 nodes with records of 24 bits, the data, and what describes both.
func Database(country, city string) []byte {
	const nodes = 24
	prefix := uint32(203)<<24 | uint32(113)<<8
	var b bytes.Buffer
	record := func(v uint32) { b.Write([]byte{byte(v >> 16), byte(v >> 8), byte(v)}) }
	for depth := range uint32(nodes) {
		next := depth + 1
		if next == nodes {
			next = nodes + 16 // the first datum, behind the 16 zero bytes between tree and data
		}
		if prefix>>(31-depth)&1 == 0 {
			record(next)
			record(nodes) // nothing is known
		} else {
			record(nodes)
			record(next)
		}
	}
	b.Write(make([]byte, 16))
	b.Write(mapOf(
		text("country"), mapOf(text("iso_code"), text(country)),
		text("city"), mapOf(text("names"), mapOf(text("en"), text(city))),
	))
	b.WriteString("\xab\xcd\xefMaxMind.com")
	b.Write(mapOf(
		text("node_count"), number(6, nodes), text("record_size"), number(5, 24), text("ip_version"), number(5, 4),
		text("database_type"), text("Test"), text("languages"), []byte{0, 4}, text("binary_format_major_version"), number(5, 2),
		text("binary_format_minor_version"), number(5, 0), text("build_epoch"), number(9, 1), text("description"), mapOf(),
	))
	return b.Bytes()
}

func text(s string) []byte {
	if len(s) < 29 {
		return append([]byte{2<<5 | byte(len(s))}, s...)
	}
	return append([]byte{2<<5 | 29, byte(len(s) - 29)}, s...)
}

// number writes an unsigned integer: kind 5 of 16 bits, 6 of 32, 9 of 64.
func number(kind byte, v uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, v)
	if kind == 5 {
		b = b[2:]
	}
	if kind > 7 {
		return append([]byte{byte(len(b)), kind - 7}, b...)
	}
	return append([]byte{kind<<5 | byte(len(b))}, b...)
}

// mapOf takes keys and values in turns.
func mapOf(pairs ...[]byte) []byte {
	b := []byte{7<<5 | byte(len(pairs)/2)}
	for _, p := range pairs {
		b = append(b, p...)
	}
	return b
}
