package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/tests/world"
)

// unencrypted tells that a device's disk is not encrypted while it transfers, and then that it is: in quarantine meanwhile, and back without
// anybody touching the client.
func (s *site) unencrypted(t *testing.T, owner *world.Person, device world.Device) {
	t.Helper()
	tell := func(encrypted bool) {
		s.admin.Must(http.MethodPut, "/devices/"+device.Id+"/facts", map[string]any{"facts": []any{map[string]any{"name": "disk_encrypted", "value": encrypted}}}, nil)
	}
	var check api.PostureCheck
	s.admin.Must(http.MethodPost, "/posture/checks", map[string]any{"name": "Disk encryption", "rule": "disk_encrypted", "severity": "block"}, &check)
	tell(true)
	s.office(t, true)

	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	s.diesOf(t, transfer, "encryption off", func() { tell(false) })
	s.office(t, false)
	var why api.DevicePosture
	owner.Must(http.MethodGet, "/devices/"+device.Id+"/posture", nil, &why)
	if why.Level != api.Level("quarantine") || len(why.Checks) != 1 || why.Checks[0].Name != "Disk encryption" {
		t.Errorf("the page explains %+v", why)
	}

	began := time.Now()
	tell(true)
	answered := time.Since(began)
	if err := world.Await(10*time.Second, func() (bool, error) { return s.Client.Reaches(world.OfficeV4, time.Second), nil }); err != nil {
		t.Fatalf("encrypted again, and nothing passes: %v", err)
	}
	t.Logf("measured: encryption on: told to the office answering %.1f ms, answered after %.1f ms", ms(time.Since(began)), ms(answered))
	s.office(t, true)
	s.admin.Must(http.MethodDelete, "/posture/checks/"+check.Id, nil, nil)
}
