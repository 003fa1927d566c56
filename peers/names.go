package peers

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Bounds of the names of profiles. A client routes addresses, not names, so the portal looks names up and writes what they stand for into
// files. An address that is not among the answers any more is kept for answersFor, so that answers in turn do not date files.
const (
	maxNames   = 50
	maxAnswers = 64 // addresses of one name
	answersFor = 24 * time.Hour
	lookUpFor  = 3 * time.Second // for all names of one profile
)

// Resolver looks up the addresses of a name. net.DefaultResolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// lookUp asks for all names at once. A name that has no answer now is not in what comes back.
func (s *Service) lookUp(ctx context.Context, names []string) map[string][]netip.Addr {
	if s.Resolver == nil || len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpFor)
	defer cancel()
	type answer struct {
		name  string
		addrs []netip.Addr
		err   error
	}
	got := make(chan answer, len(names))
	ask := make(chan string, len(names))
	for _, n := range names {
		ask <- n
	}
	close(ask)
	for range min(len(names), 16) {
		go func() {
			for n := range ask {
				addrs, err := s.Resolver.LookupNetIP(ctx, "ip", n+".")
				got <- answer{n, addrs, err}
			}
		}()
	}
	answers := map[string][]netip.Addr{}
	for range names {
		a := <-got
		if a.err != nil {
			s.Log.WarnContext(ctx, "look up a name of a profile", "name", a.name, "err", a.err)
			continue
		}
		if usable := routable(a.addrs); len(usable) > 0 {
			answers[a.name] = usable
		}
	}
	return answers
}

// routable leaves out what no tunnel leads to, and what is too much.
func routable(addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		a = a.Unmap().WithZone("")
		if a.IsValid() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), maxAnswers)]
}

func seeAnswers(tx *store.Tx, answers map[string][]netip.Addr) error {
	for name, addrs := range answers {
		if err := tx.SeeAnswers(name, addrs); err != nil {
			return err
		}
	}
	return nil
}

// namesNow looks up what a profile that is about to be saved names, outside of any transaction.
func (s *Service) namesNow(ctx context.Context, by portal.Actor, in ProfileInput) map[string][]netip.Addr {
	if s.within != nil || !by.May(portal.ProfilesWrite) {
		return nil // a whole policy is applied at once: the next round of Sweep looks them up
	}
	var c check
	names := c.domains("/names", in.Names, maxNames)
	if c.err() != nil {
		return nil
	}
	return s.lookUp(ctx, names)
}

// followNames looks up the names of all profiles again.
func (s *Service) followNames(ctx context.Context) error {
	var names []string
	kept := false
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		profiles, err := tx.Profiles()
		if err != nil {
			return err
		}
		for _, p := range profiles {
			names = append(names, p.Names...)
		}
		kept, err = tx.AnyAnswers()
		return err
	})
	if err != nil {
		return err
	}
	if len(names) == 0 && !kept {
		return nil
	}
	slices.Sort(names)
	names = slices.Compact(names)
	answers := map[string][]netip.Addr{}
	for part := range slices.Chunk(names, maxNames) {
		for n, addrs := range s.lookUp(ctx, part) {
			answers[n] = addrs
		}
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil { // profiles change under it
			return err
		}
		if err := seeAnswers(tx, answers); err != nil {
			return err
		}
		profiles, err := tx.Profiles()
		if err != nil {
			return err
		}
		var keep []string
		for _, p := range profiles {
			keep = append(keep, p.Names...)
		}
		return tx.ForgetAnswers(keep, tx.Now.Add(-answersFor))
	})
}
