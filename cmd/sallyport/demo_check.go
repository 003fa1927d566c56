package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/portal"
)

// demoCheck plays a worker without a browser, on the running demo: from the sign-in button to a tunnel that is dead because it was revoked.
type demoCheck struct {
	ctx      context.Context //nolint:containedctx // one run of a story; every step of it belongs to the same context
	out      io.Writer
	browser  *demoBrowser
	user     string
	password string

	device struct{ ID, Status string }
	file   string // the client's, with its key
	key    portal.PrivateKey
	events *bufio.Scanner
	client *demoClient
	stream *http.Response
	clean  []func()
}

// runDemoCheck prints each step with its time and returns an error when one failed.
func runDemoCheck(ctx context.Context, out io.Writer, portalURL, user, password string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	browser, err := newDemoBrowser(portalURL)
	if err != nil {
		return err
	}
	c := &demoCheck{ctx: ctx, out: out, browser: browser, user: user, password: password}
	defer c.close()
	start := time.Now()
	for _, s := range []struct {
		what string
		do   func() (string, error)
	}{
		{"sign in through the identity provider", c.signIn},
		{"enrol an authenticator app", c.enrol},
		{"follow live events", c.follow},
		{"add a device with a key made here", c.addDevice},
		{"read the file, put the key in, start WireGuard", c.startClient},
		{"open the intranet page through the tunnel", c.openPage},
		{"see the device connected in the portal", c.seeConnected},
		{"be refused at a host that no rule allows", c.tryForbidden},
		{"keep a transfer running", c.openStream},
		{"revoke the device: the running transfer stops", c.revoke},
		{"try again with the same key: no new connection", c.tryAgain},
		{"ask for the device: it is not there", c.askAgain},
	} {
		if err := c.step(s.what, s.do); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "All of it worked, in %d ms.\n", time.Since(start).Milliseconds())
	return nil
}

func (c *demoCheck) step(what string, do func() (string, error)) error {
	start := time.Now()
	note, err := do()
	took := time.Since(start)
	mark := "ok  "
	if err != nil {
		mark, note = "FAIL", err.Error()
	}
	fmt.Fprintf(c.out, "%s %7.1f ms  %s", mark, float64(took.Microseconds())/1000, what)
	if note != "" {
		fmt.Fprintf(c.out, " (%s)", note)
	}
	fmt.Fprintln(c.out)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (c *demoCheck) close() {
	for i := len(c.clean) - 1; i >= 0; i-- {
		c.clean[i]()
	}
}

func (c *demoCheck) signIn() (string, error) {
	var ways struct{ Providers []struct{ ID string } }
	if err := c.browser.call(c.ctx, http.MethodGet, "/sign-in", nil, &ways); err != nil {
		return "", err
	}
	if len(ways.Providers) == 0 {
		return "", errors.New("the portal offers no way to sign in")
	}
	if err := c.browser.signIn(c.ctx, ways.Providers[0].ID, c.user, c.password); err != nil {
		return "", err
	}
	return "", c.stage("factor_enrolment")
}

func (c *demoCheck) stage(want string) error {
	var session struct{ Stage string }
	if err := c.browser.call(c.ctx, http.MethodGet, "/session", nil, &session); err != nil {
		return err
	}
	if session.Stage != want {
		return fmt.Errorf("the session is at %q, not at %q", session.Stage, want)
	}
	return nil
}

func (c *demoCheck) enrol() (string, error) {
	var app struct{ Secret string }
	if err := c.browser.call(c.ctx, http.MethodPost, "/factors/totp", nil, &app); err != nil {
		return "", err
	}
	code, err := totpCode(app.Secret, time.Now())
	if err != nil {
		return "", err
	}
	var done struct{ RecoveryCodes []string }
	if err := c.browser.call(c.ctx, http.MethodPost, "/factors/totp/confirm", map[string]string{"code": code}, &done); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d recovery codes", len(done.RecoveryCodes)), c.stage("ready")
}

func (c *demoCheck) follow() (string, error) {
	client := *c.browser.client
	client.Timeout = 0 // a stream does not end
	b := demoBrowser{c.browser.portal, &client}
	resp, err := b.do(c.ctx, http.MethodGet, "/api/v1/events", "text/event-stream", nil) //nolint:bodyclose // close does
	if err != nil {
		return "", err
	}
	c.clean = append(c.clean, func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(resp.Status)
	}
	c.events = bufio.NewScanner(resp.Body)
	return "", nil
}

func (c *demoCheck) addDevice() (string, error) {
	var profiles struct {
		Items []struct{ ID, Name, Mode string }
	}
	if err := c.browser.call(c.ctx, http.MethodGet, "/profiles", nil, &profiles); err != nil {
		return "", err
	}
	split := ""
	for _, p := range profiles.Items {
		if p.Mode == "split" {
			split = p.ID
		}
	}
	var err error
	if c.key, err = portal.NewPrivateKey(); err != nil {
		return "", err
	}
	var made struct {
		Device struct{ ID, Status, IPv4 string }
	}
	in := map[string]string{"name": "Laptop of the check", "platform": "linux", "profile": split, "publicKey": c.key.Public().String()}
	if err := c.browser.call(c.ctx, http.MethodPost, "/devices", in, &made); err != nil {
		return "", err
	}
	c.device.ID = made.Device.ID
	return made.Device.IPv4, nil
}

func (c *demoCheck) startClient() (string, error) {
	resp, err := c.browser.do(c.ctx, http.MethodGet, "/api/v1/devices/"+c.device.ID+"/config", "text/plain", nil)
	if err != nil {
		return "", err
	}
	text, err := readAll(resp)
	if err != nil {
		return "", err
	}
	c.file = strings.Replace(text, "REPLACE-WITH-YOUR-PRIVATE-KEY", c.key.Reveal(), 1)
	// The owner of the device also routes the forbidden host by hand, so that the gateway must refuse it and not the client.
	c.client, err = newDemoClient(c.file, netip.PrefixFrom(demoForbidden.Addr(), 32))
	if err != nil {
		return "", err
	}
	c.clean = append(c.clean, c.client.close)
	return "", nil
}

// patience is how long a step waits for something that should take milliseconds.
const patience = 10 * time.Second

func (c *demoCheck) openPage() (string, error) {
	page, err := c.client.get(c.ctx, "http://"+demoIntranet.String()+"/", patience)
	if err != nil {
		return "", err
	}
	if !strings.Contains(page, "intranet") {
		return "", errors.New("what answered is not the intranet page")
	}
	return "", nil
}

// seeConnected waits as the web app does: it looks again whenever the portal says that something changed.
func (c *demoCheck) seeConnected() (string, error) {
	give := time.AfterFunc(patience, func() { c.clean[0]() }) // closes the stream of events, which ends the loop
	defer give.Stop()
	for {
		if err := c.browser.call(c.ctx, http.MethodGet, "/devices/"+c.device.ID, nil, &c.device); err != nil {
			return "", err
		}
		if c.device.Status == "connected" {
			return "", nil
		}
		if !c.events.Scan() {
			return "", fmt.Errorf("no event in time: the device is still %q", c.device.Status)
		}
	}
}

// noAnswer is how long to wait for an answer that must not come. One that comes takes a millisecond or two.
const noAnswer = 1500 * time.Millisecond

func (c *demoCheck) tryForbidden() (string, error) {
	ctx, cancel := context.WithTimeout(c.ctx, noAnswer)
	defer cancel()
	conn, err := c.client.dial(ctx, "tcp", demoForbidden.String())
	if err == nil {
		conn.Close()
		return "", fmt.Errorf("%s answered", demoForbidden)
	}
	if ctx.Err() != nil {
		return "no answer", nil
	}
	return "refused", nil
}

func (c *demoCheck) openStream() (string, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, "http://"+demoIntranet.String()+"/stream", nil)
	if err != nil {
		return "", err
	}
	if c.stream, err = c.client.http(0).Do(req); err != nil { //nolint:bodyclose // close does
		return "", err
	}
	c.clean = append(c.clean, func() { c.stream.Body.Close() })
	var b [64]byte
	_, err = c.stream.Body.Read(b[:])
	return "", err
}

// silence is how long the transfer, which sends every 10 ms, must have been still to count as dead.
const silence = 500 * time.Millisecond

// revoke measures from the click to the last byte that came through.
func (c *demoCheck) revoke() (string, error) {
	bytes := make(chan time.Time, 1024)
	go func() {
		defer close(bytes)
		var b [64]byte
		for {
			if _, err := c.stream.Body.Read(b[:]); err != nil {
				return
			}
			bytes <- time.Now()
		}
	}()
	for range 5 { // it runs
		if _, running := <-bytes; !running {
			return "", errors.New("the transfer had stopped before")
		}
	}
	click := time.Now()
	if err := c.browser.call(c.ctx, http.MethodDelete, "/devices/"+c.device.ID, nil, nil); err != nil {
		return "", err
	}
	answered, last := time.Since(click), click
	for {
		select {
		case at, open := <-bytes:
			if !open {
				return c.dead(answered, last.Sub(click)), nil
			}
			if last = at; last.Sub(click) > patience {
				return "", errors.New("the transfer goes on")
			}
		case <-time.After(silence):
			return c.dead(answered, last.Sub(click)), nil
		case <-c.ctx.Done():
			return "", c.ctx.Err()
		}
	}
}

func (c *demoCheck) dead(answered, last time.Duration) string {
	return fmt.Sprintf("answered after %.1f ms, last byte after %.1f ms", float64(answered.Microseconds())/1000, float64(max(last, 0).Microseconds())/1000)
}

func (c *demoCheck) tryAgain() (string, error) {
	again, err := newDemoClient(c.file)
	if err != nil {
		return "", err
	}
	defer again.close()
	var tries errgroup.Group
	for who, client := range map[string]*demoClient{"the client": c.client, "a new client with the same key": again} {
		tries.Go(func() error {
			if _, err := client.get(c.ctx, "http://"+demoIntranet.String()+"/", noAnswer); err == nil {
				return fmt.Errorf("%s still reaches the page", who)
			}
			return nil
		})
	}
	return "", tries.Wait()
}

func (c *demoCheck) askAgain() (string, error) {
	err := c.browser.call(c.ctx, http.MethodGet, "/devices/"+c.device.ID, nil, nil)
	var problem *apiProblem
	if !errors.As(err, &problem) || problem.status != http.StatusNotFound {
		return "", fmt.Errorf("the answer was not 404 but %w", err)
	}
	return "", nil
}
