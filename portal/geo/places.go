package geo

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxSize bounds the file, which is kept in memory: a file that is mapped and then written over would end the process.
const maxSize = 512 << 20

// lookEvery is how often it is looked whether the file is another one.
const lookEvery = 10 * time.Second

// Place is where an address is.
type Place struct {
	Country string // ISO 3166-1 alpha-2
	City    string // in English, "" where the database has none
}

// Places looks addresses up. It is safe for concurrent use.
type Places struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	mu     sync.Mutex
	db     *maxminddb.Reader
	stamp  stamp
	looked time.Time
}

// stamp tells one file from another.
type stamp struct {
	size    int64
	changed time.Time
}

// Open reads the database at path.
func Open(path string, now func() time.Time, log *slog.Logger) (*Places, error) {
	p := &Places{path: path, now: now, log: log, looked: now()}
	var err error
	if p.db, p.stamp, err = read(path); err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	return p, nil
}

func read(path string) (*maxminddb.Reader, stamp, error) {
	s, err := stampOf(path)
	if err != nil {
		return nil, s, err
	}
	if s.size > maxSize {
		return nil, s, fmt.Errorf("%s has %d bytes, more than %d", path, s.size, maxSize)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, s, err
	}
	db, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, s, fmt.Errorf("%s is no database of MaxMind's format: %w", path, err)
	}
	return db, s, nil
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// Of returns where an address is; ok is false where the database does not know. A nil *Places knows nothing.
func (p *Places) Of(a netip.Addr) (place Place, ok bool) {
	if p == nil || !a.IsValid() {
		return Place{}, false
	}
	var found struct {
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		City struct {
			Names struct {
				English string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Flat string `maxminddb:"country_code"` // of databases that know countries only
	}
	if err := p.newest().Lookup(a.Unmap()).Decode(&found); err != nil {
		return Place{}, false
	}
	place = Place{Country: found.Country.Code, City: clean(found.City.Names.English)}
	if place.Country == "" {
		place.Country = found.Flat
	}
	if len(place.Country) != 2 || strings.Trim(place.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Place{}, false
	}
	return place, true
}

// newest is the database, read again when the file is another one. One that can't be read leaves the old one in place.
func (p *Places) newest() *maxminddb.Reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.looked) < lookEvery {
		return p.db
	}
	p.looked = now
	s, err := stampOf(p.path)
	if err != nil || s == p.stamp {
		return p.db // gone for a moment, while it is replaced
	}
	db, s, err := read(p.path)
	p.stamp = s // also of a broken one, so that it is told of once
	if err != nil {
		p.log.WarnContext(context.Background(), "the database of places stays as it was", "err", err)
		return p.db
	}
	p.db = db
	p.log.InfoContext(context.Background(), "the database of places is read again", "path", p.path)
	return p.db
}

// clean keeps what prints, up to 64 characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > 64 {
		return string(runes[:64])
	}
	return s
}
