package peers_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func workInput() peers.ProfileInput {
	return peers.ProfileInput{
		Name: "Work", Mode: portal.Split, Included: []string{"10.20.0.0/16", "fd00:20::/32"}, DNS: []string{"10.77.0.2"},
		Search: []string{"corp.example.com"}, Keepalive: 25 * time.Second, Session: 8 * time.Hour,
	}
}

func (h *house) outdated(d peers.DeviceView) string {
	h.t.Helper()
	v, err := h.s.Device(h.ctx(), h.admin, d.ID)
	h.ok(err)
	return fmt.Sprint(v.Outdated)
}

func TestFileIsOutOfDateByWhatTheClientMustBeTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		if got := h.outdated(d); got != "[]" {
			t.Fatalf("a new file lacks %s", got)
		}
		for _, row := range []struct {
			want   string
			change func(*peers.ProfileInput)
		}{
			{"[]", func(in *peers.ProfileInput) { in.Session = time.Hour }},
			{"[]", func(in *peers.ProfileInput) { in.Name, in.MaxDevices, in.Idle = "Other", 9, time.Hour }},
			{"[]", func(in *peers.ProfileInput) { in.MTU = portal.DefaultMTU }},
			{"[]", func(in *peers.ProfileInput) { in.Included = []string{"10.20.0.0/17", "10.20.128.0/17", "fd00:20::/32"} }},
			{"[routes]", func(in *peers.ProfileInput) { in.Excluded = []string{"10.20.4.0/24"} }},
			{"[routes]", func(in *peers.ProfileInput) { in.Mode = portal.Full }},
			{"[dns]", func(in *peers.ProfileInput) { in.DNS = []string{"10.77.0.3"} }},
			{"[search mtu keepalive]", func(in *peers.ProfileInput) { in.Search, in.MTU, in.Keepalive = nil, 1300, 0 }},
		} {
			in := workInput()
			row.change(&in)
			preview, err := h.s.PreviewChange(h.ctx(), h.admin, peers.ProposedChange{Profile: &in, ProfileID: h.profile.ID})
			h.ok(err)
			_, err = h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
			h.ok(err)
			got := h.outdated(d)
			if got != row.want || (preview.Files == 1) != (got != "[]") {
				t.Errorf("the file lacks %s and %d were foretold, want %s", got, preview.Files, row.want)
			}
			page, err := h.s.Devices(h.ctx(), h.admin, peers.DeviceQuery{Outdated: true})
			if err != nil || (len(page.Items) == 1) != (row.want != "[]") {
				t.Errorf("%d devices are out of date, %v; want it to be so: %v", len(page.Items), err, row.want != "[]")
			}
			_, err = h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, workInput())
			h.ok(err)
		}
		if got := h.outdated(d); got != "[]" {
			t.Errorf("with everything as it was the file lacks %s", got)
		}
	})
}

func TestGatewayThatMovesOrGoesDatesFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		second := h.addGateway(h.pop.ID, "seoul-2")
		h.now = h.now.Add(time.Hour) // neither was heard of for an hour, and another one would be chosen
		h.report(second)
		if got := h.outdated(d); got != "[]" {
			t.Errorf("though its gateway takes clients the file lacks %s", got)
		}
		busan := h.addPoP("Busan")
		h.addGateway(busan.ID, "busan-1")
		in := workInput()
		in.PoPs = []portal.PoPID{busan.ID}
		_, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		h.ok(err)
		if got := h.outdated(d); got != "[gateway]" {
			t.Errorf("after the profile has left Seoul the file lacks %s", got)
		}
		cfg, err := h.s.Config(h.ctx(), h.mina, d.ID, "")
		h.ok(err)
		_, err = h.s.NoteFile(h.ctx(), h.jun, d.ID, cfg.Version)
		wantErr(t, err, portal.ErrNotFound)
		for _, bad := range []string{"", "x", "e30", cfg.Version + "A", cfg.Version[1:]} {
			_, err = h.s.NoteFile(h.ctx(), h.mina, d.ID, bad)
			wantErr(t, err, portal.ErrFileVersion)
		}
		after, err := h.s.NoteFile(h.ctx(), h.mina, d.ID, cfg.Version)
		h.ok(err)
		if len(after.Outdated) > 0 {
			t.Errorf("the new file lacks %v", after.Outdated)
		}
	})
}

// After many changes of profiles and gateways there are more versions than a statement has room for terms.
func TestDevicesAreFoundByAnyNumberOfFileVersions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d, other := h.device(h.mina, "laptop"), h.device(h.jun, "other")
		versions := make([]store.DeviceFile, 40_000)
		for i := range versions {
			versions[i] = store.DeviceFile{Profile: d.Profile, File: fmt.Sprintf(`"<%d>"`, i)}
		}
		h.tx(func(tx *store.Tx) error {
			if err := errors.Join(tx.SetDeviceFile(d.ID, versions[39_999].File), tx.SetDeviceFile(other.ID, "another")); err != nil {
				return err
			}
			for _, c := range []struct {
				files []store.DeviceFile
				want  int
			}{{versions, 1}, {versions[:39_999], 0}, {[]store.DeviceFile{}, 0}, {nil, 2}, {[]store.DeviceFile{{Profile: "p", File: versions[39_999].File}}, 0}} {
				found, err := tx.Devices(store.DeviceFilter{Files: c.files})
				if err != nil || len(found) != c.want || c.want == 1 && found[0].ID != d.ID {
					t.Errorf("of %d versions: %d devices, %v; want %d", len(c.files), len(found), err, c.want)
				}
			}
			return nil
		})
	})
}

// names answers as DNS would.
type names struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.answers[host]; a != nil {
		return a, nil
	}
	return nil, errors.New("no such host")
}

func (n *names) set(host string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[host] = nil
	for _, a := range addrs {
		n.answers[host] = append(n.answers[host], netip.MustParseAddr(a))
	}
}

func TestNamesOfAProfileBecomeRoutesAndDateFilesWhenTheyMove(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dns := &names{answers: map[string][]netip.Addr{}}
		dns.set("git.example.com.", "192.0.2.7", "2001:db8::7", "127.0.0.1")
		h.s.Resolver = dns
		in := workInput()
		in.Included, in.Names = nil, []string{"Git.example.com", "gone.example.com"}
		view, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		h.ok(err)
		if got := fmt.Sprint(view.Routes); got != "[192.0.2.7/32 2001:db8::7/128]" {
			t.Errorf("routes are %s", got)
		}
		d := h.device(h.mina, "laptop")
		h.ok(h.s.SweepOnce(h.ctx()))
		if got := h.outdated(d); got != "[]" {
			t.Errorf("with the same answers the file lacks %s", got)
		}
		dns.set("git.example.com.", "192.0.2.8", "2001:db8::7")
		h.ok(h.s.SweepOnce(h.ctx()))
		if got := h.outdated(d); got != "[routes]" {
			t.Errorf("with another answer the file lacks %s", got)
		}
		dns.set("git.example.com.", "192.0.2.7", "2001:db8::7")
		h.now = h.now.Add(23 * time.Hour)
		h.ok(h.s.SweepOnce(h.ctx()))
		cfg, err := h.s.Config(h.ctx(), h.mina, d.ID, "")
		h.ok(err)
		if got := fmt.Sprint(cfg.AllowedIPs); got != "[192.0.2.7/32 192.0.2.8/32 2001:db8::7/128]" {
			t.Errorf("with answers in turn the routes are %s", got)
		}
		h.now = h.now.Add(2 * time.Hour)
		h.ok(h.s.SweepOnce(h.ctx()))
		if got := h.outdated(d); got != "[]" {
			t.Errorf("a day later the file lacks %s", got)
		}
		dns.set("git.example.com.")
		h.now = h.now.Add(90 * time.Hour)
		h.ok(h.s.SweepOnce(h.ctx()))
		if got := h.outdated(d); got != "[]" {
			t.Errorf("while nothing answers the file lacks %s", got)
		}
	})
}

func TestWrongNamesAndIdleTimesOfProfiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		in := workInput()
		in.Mode, in.Names, in.Idle, in.DNS, in.Search, in.Match = portal.Full, []string{"a.example.com", "not a name"}, time.Minute, nil, nil, []string{"corp.example.com"}
		_, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		wantField(t, err, "/names/1:malformed", "/idleSeconds:out_of_range", "/names:not_allowed", "/match:needs_dns")
	})
}

func (h *house) approval() {
	h.t.Helper()
	in := workInput()
	in.Approval = true
	_, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
	h.ok(err)
}

func TestNewDeviceWaitsForApproval(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		old := h.device(h.mina, "old")
		h.approval()
		d := h.device(h.mina, "new")
		if _, there := h.entry(d); there || d.State != portal.DevicePending {
			t.Errorf("state is %q, entry: %v", d.State, there)
		}
		if _, there := h.entry(old); !there {
			t.Error("a device from before lost its entry")
		}
		_, _, err := h.s.RenewGrants(h.ctx(), h.mina, h.mina.User)
		h.ok(err)
		h.tx(func(tx *store.Tx) error { return h.s.Recompile(tx, h.admin) })
		if _, there := h.entry(d); there {
			t.Error("a renewal brought an entry")
		}
		_, err = h.s.ApproveDevice(h.ctx(), h.mina, d.ID)
		wantErr(t, err, portal.ErrForbidden)
		_, err = h.s.ApproveDevice(h.ctx(), h.jun, d.ID)
		wantErr(t, err, portal.ErrNotFound)
		for _, around := range []func(context.Context, portal.Actor, portal.DeviceID) (peers.DeviceView, error){h.s.SuspendDevice, h.s.ResumeDevice} {
			_, err = around(h.ctx(), h.admin, d.ID)
			wantErr(t, err, peers.ErrPending)
		}
		for who, want := range map[*portal.Actor]int{&h.admin: 1, &h.mina: 0} {
			if w, err := h.s.Waiting(h.ctx(), *who); err != nil || w.Devices != want {
				t.Errorf("for %s waits %+v, %v; want %d devices", who.User, w, err, want)
			}
		}
		page, err := h.s.Devices(h.ctx(), h.admin, peers.DeviceQuery{State: portal.DevicePending})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != d.ID {
			t.Errorf("waiting: %+v, %v", page.Items, err)
		}
		h.ok(h.sameAsCompiled())
		in, err := h.s.ApproveDevice(h.ctx(), h.admin, d.ID)
		h.ok(err)
		if _, there := h.entry(d); !there || in.State != portal.DeviceActive || in.Revision == 0 {
			t.Errorf("approved: entry %v, %+v", there, in)
		}
		_, err = h.s.RefuseDevice(h.ctx(), h.admin, d.ID)
		wantErr(t, err, peers.ErrNotPending)
		h.ok(h.sameAsCompiled())
		other := h.device(h.jun, "other")
		_, err = h.s.RefuseDevice(h.ctx(), h.admin, other.ID)
		h.ok(err)
		_, err = h.s.Device(h.ctx(), h.jun, other.ID)
		wantErr(t, err, portal.ErrNotFound)
		h.ok(h.sameAsCompiled())
	})
}

func TestOfTwoWhoJudgeADeviceAtOnceOneDoes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.approval()
		for i := range 8 {
			d := h.device(h.mina, fmt.Sprint("device ", i))
			var approved, refused [2]error
			var wg sync.WaitGroup
			for j := range 2 {
				wg.Go(func() { _, approved[j] = h.s.ApproveDevice(h.ctx(), h.admin, d.ID) })
				wg.Go(func() { _, refused[j] = h.s.RefuseDevice(h.ctx(), h.admin, d.ID) })
			}
			wg.Wait()
			_, there := h.entry(d)
			var yes, no int
			for j := range 2 {
				if approved[j] == nil {
					yes++
				} else {
					wantErr(t, approved[j], portal.ErrNotFound)
				}
				if refused[j] == nil {
					no++
				} else if !errors.Is(refused[j], peers.ErrNotPending) {
					wantErr(t, refused[j], portal.ErrNotFound)
				}
			}
			if there != (yes == 2) || there != (no == 0) || !there && (no != 1 || yes != 0) {
				t.Errorf("entry: %v, approved %d times, refused %d times", there, yes, no)
			}
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestIdleGrantEndsAtThePortalToo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		in := workInput()
		in.Idle = time.Hour
		_, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		h.ok(err)
		busy, quiet, told := h.device(h.mina, "busy"), h.device(h.mina, "quiet"), h.device(h.jun, "told")
		if e, _ := h.entry(busy); e.Idle != time.Hour {
			t.Errorf("entry says %s", e.Idle)
		}
		h.now = h.now.Add(59 * time.Minute)
		h.tx(func(tx *store.Tx) error {
			return tx.RecordLive([]portal.Live{{Device: busy.ID, Gateway: h.gateway.ID, Handshake: h.now, At: h.now}})
		})
		h.ok(h.s.SweepOnce(h.ctx()))
		ended := func(d peers.DeviceView) bool {
			e, _ := h.entry(d)
			return !e.NotAfter.After(h.now)
		}
		if ended(busy) || ended(quiet) {
			t.Error("a grant has ended before its time")
		}
		h.now = h.now.Add(2 * time.Minute)
		control := &peers.Gateways{Store: h.s.Store, Now: func() time.Time { return h.now }}
		row := feed.GatewayReport{Gateway: h.gateway.ID, At: h.now}
		row.Report.Live = []portal.Live{{Device: told.ID, Gateway: h.gateway.ID, Handshake: h.now, At: h.now, Idled: true}, {Device: busy.ID, Gateway: h.gateway.ID, Handshake: h.now, At: h.now}}
		stale, _, err := control.SaveReports(h.ctx(), []feed.GatewayReport{row})
		if err != nil || len(stale) > 0 {
			t.Fatal(stale, err)
		}
		if !ended(told) || ended(busy) || ended(quiet) {
			t.Errorf("after the gateway's word: told %v, busy %v, quiet %v", ended(told), ended(busy), ended(quiet))
		}
		h.ok(h.s.SweepOnce(h.ctx()))
		if ended(busy) || !ended(quiet) {
			t.Errorf("after a sweep: busy %v, quiet %v", ended(busy), ended(quiet))
		}
		h.ok(h.sameAsCompiled())
		_, _, err = h.s.RenewGrants(h.ctx(), h.jun, h.jun.User)
		h.ok(err)
		if _, _, err = control.SaveReports(h.ctx(), []feed.GatewayReport{row}); err != nil || ended(told) {
			t.Errorf("an old word ended a renewed grant: %v, %v", ended(told), err)
		}

		second := h.addGateway(h.pop.ID, "seoul-2")
		h.now = h.now.Add(61 * time.Minute)
		row.At, row.Report.Live = h.now, []portal.Live{{Device: told.ID, Gateway: h.gateway.ID, At: h.now, Idled: true}}
		_, _, err = control.SaveReports(h.ctx(), []feed.GatewayReport{row})
		h.ok(err)
		h.ok(h.s.SweepOnce(h.ctx()))
		if ended(told) {
			t.Error("a grant ended while a gateway that the device may be at was not heard of")
		}
		h.report(second)
		h.tx(func(tx *store.Tx) error {
			return tx.RecordLive([]portal.Live{{Device: told.ID, Gateway: second.ID, Handshake: h.now, At: h.now}})
		})
		before, _ := h.entry(told)
		_, _, err = control.SaveReports(h.ctx(), []feed.GatewayReport{row})
		h.ok(err)
		if after, _ := h.entry(told); ended(told) || after.LetIn != before.LetIn+1 || !after.NotAfter.Equal(before.NotAfter) {
			t.Errorf("the gateway that a device has left was told %+v after %+v", after, before)
		}
	})
}
