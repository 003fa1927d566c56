package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/portal"
)

// Person is somebody with a browser session at the portal, without the browser.
type Person struct {
	Name string
	http *http.Client
	t    T
}

// SignIn signs a person in from inside a namespace: the provider's pages, then the second factor, which is enrolled on the way.
// The name "admin" is an owner.
func (p *Portal) SignIn(n *Namespace, name string) *Person {
	t := p.w.t
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	someone := &Person{Name: name, t: t, http: &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: n.Dial, TLSClientConfig: p.TLS(), MaxIdleConnsPerHost: 32},
	}}
	someone.passProvider()
	someone.enrolTOTP()
	return someone
}

var formAction = regexp.MustCompile(`(?s)<form[^>]*action="([^"]+)"`)

// passProvider fills in whatever form the provider shows until the browser is back at the portal.
func (s *Person) passProvider() {
	s.t.Helper()
	res, err := s.http.Get(PortalURL + "/auth/start?provider=corp&return_to=/")
	for range 5 {
		if err != nil {
			s.t.Fatalf("sign in as %s: %v", s.Name, err)
		}
		page, readErr := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		res.Body.Close()
		check(s.t, readErr)
		at := res.Request.URL
		if at.Scheme+"://"+at.Host == PortalURL {
			if at.Path == "/sign-in" {
				s.t.Fatalf("sign in as %s: refused: %s", s.Name, at.RawQuery)
			}
			return
		}
		m := formAction.FindSubmatch(page)
		if m == nil {
			s.t.Fatalf("sign in as %s: %s: no form at %s\n%s", s.Name, res.Status, at, page)
		}
		action, parseErr := at.Parse(html.UnescapeString(string(m[1])))
		check(s.t, parseErr)
		fields := url.Values{"prompt": {"consent"}}
		if strings.Contains(string(page), `name="login"`) {
			fields = url.Values{"prompt": {"login"}, "login": {s.Name}, "password": {"any"}}
		}
		res, err = s.http.PostForm(action.String(), fields)
	}
	s.t.Fatalf("sign in as %s: the provider shows one form after another", s.Name)
}

func (s *Person) enrolTOTP() {
	s.t.Helper()
	var begun api.TotpEnrolment
	s.Must(http.MethodPost, "/factors/totp", nil, &begun)
	code, err := totp.GenerateCode(begun.Secret, time.Now())
	check(s.t, err)
	s.Must(http.MethodPost, "/factors/totp/confirm", map[string]any{"code": code}, nil)
}

// Do makes one API request. What the portal refuses comes back as a *Refused.
func (s *Person) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, PortalURL+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		refused := &Refused{Status: res.StatusCode}
		return errors.Join(json.Unmarshal(b, &refused.Problem), refused)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}

// Refused is a problem document.
type Refused struct {
	Status  int
	Problem api.Problem
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%d %s: %s", r.Status, r.Problem.Code, r.Problem.Title)
}

// Must is Do that ends the test on an error.
func (s *Person) Must(method, path string, in, out any) {
	s.t.Helper()
	if err := s.Do(context.Background(), method, path, in, out); err != nil {
		s.t.Fatalf("%s: %s %s: %v", s.Name, method, path, err)
	}
}

// Device is a device with its file.
type Device struct {
	api.Device
	Key  portal.PrivateKey
	File string // path of the wg-quick file
}

// AddDevice makes a key pair and a device, and writes its file as the web app would.
func (s *Person) AddDevice(w *World, profile, name string) Device {
	s.t.Helper()
	key, err := portal.NewPrivateKey()
	check(s.t, err)
	var made api.DeviceWithConfig
	s.Must(http.MethodPost, "/devices", map[string]any{"name": name, "platform": "linux", "profile": profile, "publicKey": key.Public().String()}, &made)
	return Device{made.Device, key, w.File(s.Name+"/"+made.Config.FileName+".conf", s.text(made.Device.Id, key))}
}

// text asks for the file as text and puts the private key in, which the portal does not know.
func (s *Person) text(device string, key portal.PrivateKey) string {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, PortalURL+"/api/v1/devices/"+device+"/config", nil)
	check(s.t, err)
	req.Header.Set("Accept", "text/plain")
	res, err := s.http.Do(req)
	check(s.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	check(s.t, err)
	const mark = "REPLACE-WITH-YOUR-PRIVATE-KEY"
	if !strings.Contains(string(b), mark) {
		s.t.Fatalf("the file of device %s has no place for the key: %s\n%s", device, res.Status, b)
	}
	return strings.Replace(string(b), mark, key.Reveal(), 1)
}

// Await asks for something until done says so, at most for limit. It asks again at once: the answer is what takes time.
func (s *Person) Await(what string, limit time.Duration, done func() (bool, error)) {
	s.t.Helper()
	if err := Await(limit, done); err != nil {
		s.t.Fatalf("%s: waited %s for: %s: %v", s.Name, limit, what, err)
	}
}

// Await calls done every 5 ms until it says yes or limit is over.
func Await(limit time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for {
		ok, err := done()
		if ok {
			return nil
		}
		select {
		case <-deadline:
			return errors.Join(errors.New("it did not come"), err)
		case <-tick.C:
		}
	}
}
