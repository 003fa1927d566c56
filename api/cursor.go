package api

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
)

// A cursor is opaque to clients: where the page ended, and of which list, in base64. It says nothing that the client has not seen, so
// it is not signed; a made-up one can only ask for a place in a list that its owner may read anyway.

// cursorKind keeps the cursor of one list from being used for another.
type cursorKind byte

const (
	devicesCursor cursorKind = 'd'
	postureCursor cursorKind = 'c'
	peopleCursor  cursorKind = 'p'
	auditCursor   cursorKind = 'a'
	membersCursor cursorKind = 'm'
	groupsCursor  cursorKind = 'g'
)

// maxCursor bounds the position in bytes; the contract bounds the text at 200 characters.
const maxCursor = 140

// encodeCursor returns nil for the empty position: there is no next page.
func encodeCursor(kind cursorKind, after string) *string {
	if after == "" {
		return nil
	}
	s := base64.RawURLEncoding.EncodeToString(append([]byte{byte(kind)}, after...))
	return &s
}

// decodeCursor returns the position, "" for no cursor at all.
func decodeCursor(kind cursorKind, cursor *string) (string, error) {
	if cursor == nil || *cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(*cursor)
	if err != nil || strings.ContainsAny(*cursor, "\r\n") || // which the decoder skips
		len(b) < 2 || len(b) > maxCursor || cursorKind(b[0]) != kind || !utf8.Valid(b) {
		return "", badCursor()
	}
	return string(b[1:]), nil
}

// decodeSequence is decodeCursor for lists that are numbered; 0 means from the newest.
func decodeSequence(kind cursorKind, cursor *string) (uint64, error) {
	after, err := decodeCursor(kind, cursor)
	if err != nil || after == "" {
		return 0, err
	}
	n, err := strconv.ParseUint(after, 10, 63)
	if err != nil || n == 0 {
		return 0, badCursor()
	}
	return n, nil
}

func badCursor() error {
	return portal.InvalidFields(portal.Field{Path: "cursor", Code: "malformed", Msg: "This is not a cursor of this list."})
}
