package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/auth/scim"
	"github.com/sallyport/sallyport/tests/world"
)

// directory is a company's directory that writes to the portal by SCIM, from the network outside.
type directory struct {
	http   *http.Client
	secret string
}

func (s *site) directory(t *testing.T) *directory {
	t.Helper()
	var made struct{ Secret string }
	s.admin.Must(http.MethodPost, "/scim/tokens", map[string]any{"name": "Directory", "issuer": world.Issuer, "subject": "externalId"}, &made)
	return &directory{
		&http.Client{Transport: &http.Transport{DialContext: s.Net.Dial, TLSClientConfig: s.portal.TLS()}}, made.Secret,
	}
}

// create makes a person with that subject at the provider and returns the id.
func (d *directory) create(t *testing.T, name string) string {
	t.Helper()
	var made struct{ ID string }
	text := d.send(t, http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"`+name+`","userName":"`+name+`@example.com","active":true}`)
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (d *directory) deactivate(t *testing.T, id string) {
	t.Helper()
	d.send(t, http.MethodPatch, "/Users/"+id,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
}

func (d *directory) send(t *testing.T, method, path, body string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, world.PortalURL+scim.Path+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.secret)
	req.Header.Set("Content-Type", scim.MediaType)
	res, err := d.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %v\n%s", method, path, res.Status, err, text)
	}
	return text
}
