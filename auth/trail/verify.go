package trail

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Anchor is an event that somebody noted down outside of the database: as long as it is in the trail, nothing before it was changed or
// removed, and no newer event was cut off before it. The zero value is none.
type Anchor struct {
	Seq  uint64
	Hash string // 64 hexadecimal digits
}

// String is the form in which an anchor is printed, kept and given back: "SEQ:HASH".
func (a Anchor) String() string { return strconv.FormatUint(a.Seq, 10) + ":" + a.Hash }

// errAnchor says that a text is no anchor.
var errAnchor = errors.New("an anchor is SEQ:HASH as a verification prints it")

// ParseAnchor reads what String wrote.
func ParseAnchor(s string) (Anchor, error) {
	number, hash, ok := strings.Cut(strings.TrimSpace(s), ":")
	seq, err := strconv.ParseUint(number, 10, 63)
	if !ok || err != nil || seq == 0 || len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return Anchor{}, errAnchor
	}
	return Anchor{seq, hash}, nil
}

// Report is what a verification found.
type Report struct {
	Good   uint64 // events, from the first one on, that are as they were written
	Broken uint64 // sequence number of the first event that was changed or is missing; 0: none
	Head   Anchor // the last good event: note it down elsewhere, to be seen again by later verifications; zero for an empty trail

	// AnchorLost tells that the anchor that was asked for is not in the trail: the trail was cut off before it, or written anew with all
	// of its hashes.
	AnchorLost bool
}

// Whole reports whether nothing is wrong.
func (r Report) Whole() bool { return r.Broken == 0 && !r.AnchorLost }

// Verify walks the whole chain, in as many short transactions as it takes, so that the portal goes on working. Events that are written
// meanwhile are verified too. anchor is one of before, or zero. It needs auth.AuditRead, and is in the trail itself.
func (s *Service) Verify(ctx context.Context, by portal.Actor, anchor Anchor) (Report, error) {
	if err := auth.Allow(by, auth.AuditRead, s.now()); err != nil {
		return Report{}, err
	}
	report, err := s.walk(ctx, anchor)
	if err != nil {
		return Report{}, fmt.Errorf("verify audit trail: %w", err)
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		detail := map[string]any{"good": report.Good, "broken": report.Broken}
		if anchor != (Anchor{}) {
			detail["anchor"], detail["anchorLost"] = anchor.String(), report.AnchorLost
		}
		return tx.Audit(by, "audit.verify", "audit", detail)
	})
	if err != nil {
		return report, fmt.Errorf("write verification to audit trail: %w", err)
	}
	return report, nil
}

// walk only reads.
func (s *Service) walk(ctx context.Context, anchor Anchor) (Report, error) {
	var chain store.AuditChain
	for more := true; more; {
		err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.CheckAudit(&chain)
			return err
		})
		if err != nil {
			return Report{}, err
		}
	}
	report := Report{Good: chain.Good, Broken: chain.Broken}
	if chain.Good > 0 {
		report.Head = Anchor{chain.Good, chain.Hash}
	}
	if anchor != (Anchor{}) {
		lost, err := s.lost(ctx, anchor)
		if err != nil {
			return Report{}, err
		}
		report.AnchorLost = lost
	}
	return report, nil
}

func (s *Service) lost(ctx context.Context, anchor Anchor) (lost bool, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		hash, err := tx.AuditHash(anchor.Seq)
		lost = hash != anchor.Hash
		if errors.Is(err, portal.ErrNotFound) {
			return nil
		}
		return err
	})
	return lost, err
}
