package store_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func addPool(t testing.TB, s *store.Store, id, v4, v6 string) portal.Pool {
	t.Helper()
	p := portal.Pool{ID: portal.PoolID(id), Name: id, V4: netip.MustParsePrefix(v4), V6: netip.MustParsePrefix(v6)}
	inTx(t, s, func(tx *store.Tx) error { return tx.CreatePool(p) })
	return p
}

// lowestFree is the slow twin: it looks at every number.
func lowestFree(p portal.Pool, taken map[uint32]bool) (uint32, error) {
	for n := uint32(portal.PoolFirst); n <= p.Last(); n++ {
		if !taken[n] {
			return n, nil
		}
	}
	return 0, portal.ErrPoolFull
}

func TestAddressesAreTheLowestFreeOnes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		pools := 0
		rapid.Check(t, func(r *rapid.T) {
			p := addPool(t, s, fmt.Sprint("pool ", pools), fmt.Sprintf("10.%d.%d.0/28", pools/256, pools%256), "fd00::/120")
			pools++
			taken := map[uint32]bool{}
			for range rapid.IntRange(1, 40).Draw(r, "steps") {
				if len(taken) > 0 && rapid.IntRange(0, 2).Draw(r, "free one") == 0 {
					numbers := slices.Sorted(keysOf(taken))
					n := numbers[rapid.IntRange(0, len(numbers)-1).Draw(r, "which")]
					inTx(t, s, func(tx *store.Tx) error { return tx.FreeAddress(p.At(n)) })
					delete(taken, n)
					continue
				}
				want, wantErr := lowestFree(p, taken)
				var got portal.Address
				err := s.Tx(t.Context(), func(tx *store.Tx) (err error) {
					got, err = tx.TakeAddress(p)
					return err
				})
				if !errors.Is(err, wantErr) || err == nil && got != p.At(want) {
					r.Fatalf("got %v, %v; want number %d, %v", got, err, want, wantErr)
				}
				if err == nil {
					taken[got.N] = true
				}
			}
		})
	})
}

func keysOf(m map[uint32]bool) func(func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for n := range m {
			if !yield(n) {
				return
			}
		}
	}
}

func TestNoAddressIsGivenTwiceUnderConcurrency(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := addPool(t, s, "pool", "10.0.0.0/25", "fd00::/112") // 123 addresses for 160 askers
		var mu sync.Mutex
		held, full := map[uint32]bool{}, 0
		take := func() (portal.Address, error) {
			var a portal.Address
			err := s.Tx(t.Context(), func(tx *store.Tx) (err error) {
				a, err = tx.TakeAddress(p)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, portal.ErrPoolFull):
				full++
			case err != nil:
				t.Error(err)
			case held[a.N]:
				t.Errorf("number %d was given twice", a.N)
			case a.N < portal.PoolFirst || a.N > p.Last():
				t.Errorf("reserved number %d was given", a.N)
			default:
				held[a.N] = true
			}
			return a, err
		}
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for i := range 10 {
					a, err := take()
					if err != nil || i%3 != 0 {
						continue
					}
					mu.Lock()
					delete(held, a.N)
					mu.Unlock()
					if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.FreeAddress(a) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for err := error(nil); err == nil; {
			_, err = take()
		}
		if len(held) != 123 || full == 0 {
			t.Errorf("%d addresses are held, %d askers got none; want 123, and some", len(held), full)
		}
	})
}

func TestPoolNumbersOfAPrefix(t *testing.T) {
	p := portal.Pool{V4: netip.MustParsePrefix("10.77.0.0/16"), V6: netip.MustParsePrefix("fd00:1::/64")}
	for prefix, want := range map[string]string{
		"10.77.0.4/32": "4 4 true", "10.77.1.0/24": "256 511 true", "10.0.0.0/8": "0 65535 true", "10.78.0.0/16": "0 0 false", "0.0.0.0/0": "0 65535 true",
		"fd00:1::5/128": "5 5 true", "fd00:1::/120": "0 255 true", "fd00:1::1:0/112": "0 0 false", "fd00:1::ffff:0/112": "0 0 false",
		"fd00:1:0:0:1::/80": "0 0 false", "fd00:2::/64": "0 0 false", "::/0": "0 65535 true",
	} {
		first, last, ok := p.Numbers(netip.MustParsePrefix(prefix))
		if got := fmt.Sprint(first, last, ok); got != want {
			t.Errorf("%s: got %s, want %s", prefix, got, want)
		}
	}
}

func BenchmarkTakeAddress(b *testing.B) {
	for _, taken := range []int64{100, 10_000, 60_000} {
		b.Run(fmt.Sprint(taken, " taken"), func(b *testing.B) {
			s := storetest.New(b)
			p := addPool(b, s, "pool", "10.0.0.0/8", "fd00::/64")
			// Half of what was given came back, from the bottom: the longest list to choose the lowest from.
			store.Exec(b, s, "UPDATE pools SET next_n = ?", 4+2*taken)
			store.Exec(b, s, "WITH RECURSIVE x(n) AS (SELECT 4 UNION ALL SELECT n + 2 FROM x WHERE n < ?) INSERT INTO free_addresses SELECT 'pool', n FROM x", 2*taken)
			b.ResetTimer()
			inTx(b, s, func(tx *store.Tx) error { // one transaction: the disk is not what is measured
				for range b.N {
					a, err := tx.TakeAddress(p)
					if err != nil {
						return err
					}
					if err := tx.FreeAddress(a); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
