package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/tests/world"
)

// TestWhatWasAnsweredSurvivesKills kills portal and gateway at random while devices come and go, and then compares what was answered with
// what the gateway's WireGuard has. `make chaos` makes it long.
func TestWhatWasAnsweredSurvivesKills(t *testing.T) {
	t.Parallel()
	length := 12 * time.Second
	if text := os.Getenv("SALLYPORT_CHAOS"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	c := &churn{profile: s.split, present: map[string]bool{}, unsure: map[string]bool{}}
	var wg sync.WaitGroup
	for i := range 4 {
		who := s.portal.SignIn(s.Net, fmt.Sprintf("worker%d", i))
		wg.Go(func() { c.run(ctx, who) })
	}
	kills := s.killAtRandom(ctx)
	wg.Wait()

	s.gateway.Online(s.admin, 20*time.Second)
	if err := world.Await(10*time.Second, func() (bool, error) {
		var list struct {
			Head  int64         `json:"head"`
			Items []api.Gateway `json:"items"`
		}
		err := s.admin.Do(t.Context(), http.MethodGet, "/gateways", nil, &list)
		return err == nil && list.Items[0].Applied >= list.Head, err
	}); err != nil {
		t.Fatalf("the gateway does not catch up: %v", err)
	}
	has := strings.Fields(s.Gateway.Run(t, "wg", "show", "sallyport0", "peers"))
	t.Logf("measured: %d kills in %s, %d devices added, %d revoked, %d left", kills, length, c.added, c.revoked, len(has))
	for key, there := range c.present {
		if slices.Contains(has, key) != there && !c.unsure[key] {
			t.Errorf("device with key %s: it was answered that it is there: %v; the gateway has it: %v", key, there, !there)
		}
	}
	for _, key := range has {
		if _, known := c.present[key]; !known && !c.unsure[key] {
			t.Errorf("the gateway has a key that nobody added: %s", key)
		}
	}
}

// killAtRandom kills one of the two every now and then until ctx ends, and starts it again at once.
func (s *site) killAtRandom(ctx context.Context) (kills int) {
	for {
		select {
		case <-ctx.Done():
			return kills
		case <-time.After(time.Duration(300+rand.IntN(900)) * time.Millisecond):
		}
		kills++
		if rand.IntN(2) == 0 {
			s.portal.Kill()
			s.portal.Restart()
		} else {
			s.gateway.Kill()
			s.gateway.Start()
		}
	}
}

// churn adds and revokes devices and keeps what the portal answered. What had no answer is unsure.
type churn struct {
	profile string

	mu             sync.Mutex
	present        map[string]bool // by public key
	unsure         map[string]bool
	added, revoked int
}

func (c *churn) run(ctx context.Context, who *world.Person) {
	type device struct{ id, key string }
	var mine []device
	for n := 0; ctx.Err() == nil; n++ {
		if len(mine) > 20 || len(mine) > 0 && rand.IntN(3) == 0 {
			d := mine[0]
			mine = mine[1:]
			c.note(d.key, false, who.Do(ctx, http.MethodDelete, "/devices/"+d.id, nil, nil))
			continue
		}
		key, err := portal.NewPrivateKey()
		if err != nil {
			panic(err) // the system's generator does not fail
		}
		public := key.Public().String()
		var made api.DeviceWithConfig
		err = who.Do(ctx, http.MethodPost, "/devices", map[string]any{
			"name": fmt.Sprint("device ", n), "platform": "linux", "profile": c.profile, "publicKey": public,
		}, &made)
		c.note(public, true, err)
		if err == nil {
			mine = append(mine, device{made.Device.Id, public})
		} else {
			<-time.After(50 * time.Millisecond) // the portal is being started
		}
	}
}

func (c *churn) note(key string, there bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.unsure[key] = true
		return
	}
	c.present[key] = there
	if there {
		c.added++
	} else {
		c.revoked++
	}
}
