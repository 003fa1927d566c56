package feed_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// TestFollowersEndWithThePlainFilterOfTheLog does random things to the log while gateways come and go, portals restart and the log is
// trimmed. In the end every gateway must have what reading the whole log gives, and so must the hub.
func TestFollowersEndWithThePlainFilterOfTheLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		seed := uint64(time.Now().UnixNano())
		if text := os.Getenv("SALLYPORT_TEST_SEED"); text != "" {
			seed, _ = strconv.ParseUint(text, 10, 64)
		}
		t.Logf("SALLYPORT_TEST_SEED=%d", seed)
		newChaos(t, db, rand.New(rand.NewPCG(seed, 0))).run(250)
	})
}

// chaos is a portal with three PoPs, four profiles and two gateways in each PoP.
type chaos struct {
	*site
	rng      *rand.Rand
	pops     []portal.PoPID
	profiles []portal.ProfileID
	nodes    []*node
	at       []portal.PoPID // of each node
	up       []bool
}

func newChaos(t *testing.T, db *store.Store, rng *rand.Rand) *chaos {
	c := &chaos{site: newSite(t, db, quickBeat), rng: rng}
	pool := c.pool()
	for range 3 {
		c.pops = append(c.pops, c.pop("192.168.0.0/16"))
	}
	for i := range 4 {
		c.profiles = append(c.profiles, c.profile(pool, c.pops[:i%3]...))
	}
	for i := range 6 {
		c.at = append(c.at, c.pops[i/2])
		c.nodes, c.up = append(c.nodes, newNode(t, c.enrol(c.pops[i/2])).start()), append(c.up, true)
	}
	return c
}

func (c *chaos) run(steps int) {
	for range steps {
		switch n := c.rng.IntN(100); {
		case n < 70:
			c.tx(func(tx *store.Tx) error {
				for range 1 + c.rng.IntN(4) {
					if err := c.touch(tx); err != nil {
						return err
					}
				}
				return nil
			})
		case n < 74:
			c.moveProfile()
		case n < 94:
			c.toggle(c.rng.IntN(len(c.nodes)))
		case n < 97:
			upTo := c.head()
			c.tx(func(tx *store.Tx) error { _, err := tx.TrimLog(upTo - uint64(c.rng.IntN(int(upTo)))); return err })
		default:
			c.restartPortal()
		}
	}
	c.check()
}

// touch changes one object, in ways that the compiler of policy would and in some that it would not.
func (c *chaos) touch(tx *store.Tx) error {
	k := portal.EntryKey{Profile: c.profiles[c.rng.IntN(len(c.profiles))], Device: portal.DeviceID(fmt.Sprint("d", c.rng.IntN(20)))}
	sig := portal.SignatureID(fmt.Sprint("s", c.rng.IntN(6)))
	rule := func() portal.RuleID { return portal.RuleID(fmt.Sprint("r", c.rng.IntN(8))) }
	groups := func() []portal.GroupID {
		all := []portal.GroupID{"g1", "g2", "g3", "g4", portal.Everyone}
		return all[c.rng.IntN(len(all)):][:1]
	}
	switch c.rng.IntN(13) {
	case 0, 1, 2:
		return putEntry(tx, k, sig, rule(), rule())
	case 3, 4:
		return putBareEntry(tx, k, sig) // perhaps with a signature that is not there
	case 5, 6:
		_, err := tx.Drop(store.EntryKey(k))
		return err
	case 7:
		return putSignature(tx, sig, rule(), rule()) // perhaps with rules that are not there
	case 8:
		return putRule(tx, rule())
	case 9, 10:
		return putRule(tx, rule(), groups()...)
	case 11:
		g := portal.Signature{ID: sig, Rules: []portal.RuleID{rule()}}
		for _, id := range []portal.GroupID{"g1", "g2", "g3", "g4"} {
			if c.rng.IntN(2) == 0 {
				g.Groups = append(g.Groups, id)
			}
		}
		_, err := tx.Put(store.SignatureKey(sig), func(rev uint64) any { g.Revision = rev; return g })
		return err
	}
	_, err := tx.Drop(store.RuleKey(rule()))
	return err
}

func (c *chaos) moveProfile() {
	var pops []portal.PoPID
	for _, p := range c.pops {
		if c.rng.IntN(2) == 0 {
			pops = append(pops, p)
		}
	}
	c.serveAt(c.profiles[c.rng.IntN(len(c.profiles))], pops...)
}

func (c *chaos) toggle(i int) {
	if c.up[i] {
		c.nodes[i].stop()
	} else {
		c.nodes[i].restart()
	}
	c.up[i] = !c.up[i]
}

func (c *chaos) restartPortal() {
	c.stop()
	l := listenAgain(c.t, c.addr)
	next := newSiteAt(c.t, c.store, l, quickBeat)
	c.site = next
}

func (c *chaos) check() {
	for i, n := range c.nodes {
		if !c.up[i] {
			n.restart()
		}
	}
	for i, n := range c.nodes {
		want := c.want(c.at[i])
		n.await(fmt.Sprintf("the end state of gateway %d", i), func(s *portal.State) bool { return s.Hash() == want.Hash() && s.Revision >= want.Revision })
		eventually(c.t, "agreement with the hub", func() bool { return c.hub.Status(n.client.Credentials.Gateway).HashOK })
	}
	for i, n := range c.nodes {
		if st := c.hub.Status(n.client.Credentials.Gateway); st.Mismatches > 0 {
			c.t.Errorf("gateway %d needed %d healings; nothing was wrong with it", i, st.Mismatches)
		}
	}
}
