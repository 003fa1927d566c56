package peers_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func (h *house) check(in peers.CheckInput) peers.CheckView {
	h.t.Helper()
	if in.Unknown == "" {
		in.Unknown = posture.UnknownFails
	}
	c, err := h.s.CreateCheck(h.ctx(), h.admin, in)
	h.ok(err)
	return c
}

func (h *house) tell(d peers.DeviceView, facts ...peers.FactInput) peers.Told {
	h.t.Helper()
	told, err := h.s.TellFacts(h.ctx(), h.admin, d.ID, facts)
	h.ok(err)
	return told
}

// head is the revision of the last change that gateways were told of.
func (h *house) head() (head uint64) {
	h.t.Helper()
	h.tx(func(tx *store.Tx) (err error) {
		head, _, err = tx.Revision()
		return err
	})
	return head
}

// wantLevel wants the device's entry in the feed log to be at the level.
func (h *house) wantLevel(d peers.DeviceView, want portal.Level) {
	h.t.Helper()
	if e, there := h.entry(d); !there || e.Level != want {
		h.t.Errorf("the entry is at level %q (there: %t), want %q", e.Level, there, want)
	}
}

func fact(name string, value any) peers.FactInput { return peers.FactInput{Name: name, Value: value} }

func TestFactsMoveADeviceDownAndBackUpAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "Laptop")
		h.wantLevel(d, portal.LevelFull)
		disk := h.check(peers.CheckInput{Name: "Disk encryption", Rule: "disk_encrypted", Severity: posture.Block, Help: "Turn on LUKS."})
		if disk.Counts.Waiting != 1 {
			t.Errorf("a device that has said nothing is counted as %+v, want one waiting", disk.Counts)
		}
		h.wantLevel(d, portal.LevelFull)

		h.tell(d, fact("disk_encrypted", true))
		before := h.head()
		told := h.tell(d, fact("disk_encrypted", true), fact("serial", "X1"))
		if told.Revision != 0 || h.head() != before || len(told.Ignored) != 1 || told.Ignored[0] != "serial" {
			t.Errorf("the same again was told to gateways, or a fact was kept that nobody asks for: %+v", told)
		}

		told = h.tell(d, fact("disk_encrypted", false))
		if told.Level != portal.LevelQuarantine || told.Revision == 0 || h.head() != before+1 {
			t.Errorf("got %+v at revision %d, want quarantine and one changed object after %d", told, h.head(), before)
		}
		h.wantLevel(d, portal.LevelQuarantine)
		view, err := h.s.Device(h.ctx(), h.mina, d.ID)
		h.ok(err)
		if len(view.Grant.Holds) != 1 || view.Grant.Holds[0].Reason != "Disk encryption" || view.Grant.Holds[0].Source != portal.HoldByPosture {
			t.Errorf("the holds are %+v, want one that names the check", view.Grant.Holds)
		}
		shown, err := h.s.Posture(h.ctx(), h.mina, d.ID)
		h.ok(err)
		if r := shown.Verdict.Results; len(r) != 1 || r[0].Outcome != posture.Fails || r[0].Seen != "no" || r[0].Check.Help != "Turn on LUKS." || len(shown.Facts) != 1 {
			t.Errorf("its owner sees %+v and %+v", r, shown.Facts)
		}
		if _, err := h.s.Posture(h.ctx(), h.jun, d.ID); portal.KindOf(err) != portal.NotFound {
			t.Errorf("somebody else gets %v, want not found", err)
		}

		h.now = h.now.Add(time.Second)
		if told = h.tell(d, fact("disk_encrypted", true)); told.Level != portal.LevelFull || told.Revision == 0 {
			t.Errorf("got %+v, want it back at full", told)
		}
		h.wantLevel(d, portal.LevelFull)
		shown, err = h.s.Posture(h.ctx(), h.admin, d.ID)
		h.ok(err)
		if past := shown.History; len(past) != 2 || past[0].Effect != "" || past[1].Effect != posture.Block || past[1].Failing[0] != "Disk encryption" {
			t.Errorf("the history is %+v, want blocked and then good", past)
		}

		h.ok(h.s.DeleteCheck(h.ctx(), h.admin, disk.ID))
		shown, err = h.s.Posture(h.ctx(), h.mina, d.ID)
		h.ok(err)
		if len(shown.Facts) != 0 || len(shown.Verdict.Results) != 0 {
			t.Errorf("without the check there still is %+v", shown)
		}
	})
}

func TestASilentDeviceHasItsTimeAndGraceAndThenIsInQuarantine(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d, quiet := h.device(h.mina, "Laptop"), h.device(h.jun, "Desk")
		other := h.newDevice("Phone")
		other.Platform = portal.IOS
		phone, err := h.s.CreateDevice(h.ctx(), h.jun, other)
		h.ok(err)
		h.check(peers.CheckInput{Name: "Firewall", Rule: "firewall_on", Severity: posture.Block, Grace: 30 * time.Minute})
		h.tell(d, fact("firewall_on", true))
		pass := func(by time.Duration) {
			h.now = h.now.Add(by)
			h.ok(h.s.JudgeDue(h.ctx()))
		}

		pass(59 * time.Minute)
		h.wantLevel(d, portal.LevelFull)
		pass(2 * time.Minute) // silent for more than an hour: now its grace begins
		h.wantLevel(d, portal.LevelFull)
		pass(31 * time.Minute)
		h.wantLevel(d, portal.LevelQuarantine)
		h.wantLevel(quiet, portal.LevelFull) // has a day until its first word
		h.tell(d, fact("firewall_on", true))
		h.wantLevel(d, portal.LevelFull)

		h.tell(d, peers.FactInput{Name: "firewall_on", Value: true, Expires: h.now.Add(6 * time.Hour)}) // a system that is known to be slow
		pass(3 * time.Hour)
		h.wantLevel(d, portal.LevelFull)
		pass(20 * time.Hour)
		pass(31 * time.Minute)
		h.wantLevel(quiet, portal.LevelQuarantine)
		h.wantLevel(phone, portal.LevelFull) // has no way to say it

		h.tx(func(tx *store.Tx) error {
			due, err := tx.PostureDue(10)
			if len(due) != 0 {
				t.Errorf("%d devices are due though nothing changes any more", len(due))
			}
			return err
		})
	})
}

func TestReportOnlyExceptionsAndUnknown(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "Laptop")
		in := peers.CheckInput{Name: "Updates", Rule: "security_updates <= 5", Severity: posture.Risk, Unknown: posture.UnknownPasses, ReportOnly: true}
		c := h.check(in)
		h.tell(d, fact("security_updates", 9.0))
		h.wantLevel(d, portal.LevelFull)
		all, err := h.s.PosturePolicy(h.ctx(), h.admin)
		h.ok(err)
		if all.Checks[0].Counts.Fails != 1 {
			t.Errorf("the check would hit %+v, want one device", all.Checks[0].Counts)
		}
		if mine, err := h.s.Posture(h.ctx(), h.mina, d.ID); err != nil || len(mine.Verdict.Results) != 0 {
			t.Errorf("the owner sees a check that only reports: %+v, %v", mine.Verdict.Results, err)
		}

		in.ReportOnly = false
		_, err = h.s.UpdateCheck(h.ctx(), h.admin, c.ID, in)
		h.ok(err)
		h.wantLevel(d, portal.LevelRestricted)
		failing, next, err := h.s.NotPassing(h.ctx(), h.admin, c.ID, "", 1)
		h.ok(err)
		if len(failing) != 1 || failing[0].Name != "Laptop" || failing[0].Seen != "9" || next != "" {
			t.Errorf("failing are %+v", failing)
		}

		e, err := h.s.CreateException(h.ctx(), h.admin, peers.ExceptionInput{Check: c.ID, User: h.mina.User, Until: h.now.Add(time.Hour), Reason: "New disk is on its way"})
		h.ok(err)
		h.wantLevel(d, portal.LevelFull)
		h.now = h.now.Add(30 * time.Minute)
		h.ok(h.s.DeleteException(h.ctx(), h.admin, e.ID))
		h.wantLevel(d, portal.LevelRestricted)
		_, err = h.s.CreateException(h.ctx(), h.admin, peers.ExceptionInput{Device: d.ID, Until: h.now.Add(20 * time.Minute), Reason: "Once more"})
		h.ok(err)
		h.wantLevel(d, portal.LevelFull)
		h.now = h.now.Add(21 * time.Minute)
		h.ok(h.s.JudgeDue(h.ctx()))
		h.wantLevel(d, portal.LevelRestricted)

		h.tell(d, peers.FactInput{Name: "security_updates", Unknown: "apt is busy"})
		h.wantLevel(d, portal.LevelFull)
		shown, err := h.s.Posture(h.ctx(), h.mina, d.ID)
		h.ok(err)
		if f := shown.Facts; len(f) != 1 || f[0].Known() || f[0].Why != "apt is busy" {
			t.Errorf("the fact is kept as %+v, want unknown with its reason", f)
		}
	})
}

func TestPostureInputIsRefusedWithItsPaths(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	d := h.device(h.mina, "Laptop")
	_, err := h.s.CreateCheck(h.ctx(), h.admin, peers.CheckInput{Name: " ", Rule: "macOS >= new", Severity: "fatal", Platforms: []portal.Platform{"toaster"}, Unknown: "fail", Grace: -time.Second})
	wantField(t, err, "/name:required", "/graceSeconds:out_of_range", "/platforms/0:not_allowed", "/rule:malformed")
	_, err = h.s.CreateCheck(h.ctx(), h.mina, peers.CheckInput{Name: "x", Rule: "disk_encrypted"})
	wantErr(t, err, portal.ErrForbidden)
	_, err = h.s.CreateException(h.ctx(), h.admin, peers.ExceptionInput{Until: h.now})
	wantField(t, err, "/reason:required", "/until:out_of_range", "/device:required")
	_, err = h.s.CreateException(h.ctx(), h.admin, peers.ExceptionInput{Check: "no", Device: "no", Until: h.now.Add(time.Hour), Reason: "r"})
	wantField(t, err, "/check:unknown", "/device:unknown")
	wantField(t, h.s.SetPostureTimes(h.ctx(), h.admin, peers.PostureTimes{Settle: -1, Silence: time.Minute}), "/settleSeconds:out_of_range", "/silenceSeconds:out_of_range")

	_, err = h.s.TellFacts(h.ctx(), h.admin, d.ID, []peers.FactInput{
		fact("Disk", true), fact("disk_encrypted", "no"), fact("disk_encrypted", true), fact("os_version", "new"), fact("x", []any{}), fact("y", 1.5),
		{Name: "z"},
		{Name: "w", Value: true, Unknown: "both"},
		{Name: "v", Value: true, Expires: h.now},
		{Name: "u", Value: true, Detail: "a\nb"},
	})
	wantField(t, err, "/facts/0/name:malformed", "/facts/1/value:wrong_type", "/facts/2/name:duplicate", "/facts/3/value:wrong_type", "/facts/4/value:wrong_type",
		"/facts/5/value:wrong_type", "/facts/6/value:required", "/facts/7/value:required", "/facts/8/expiresAt:out_of_range", "/facts/9/detail:not_printable")
	_, err = h.s.TellFacts(h.ctx(), h.mina, d.ID, nil)
	wantErr(t, err, portal.ErrForbidden)
	_, err = h.s.TellFacts(h.ctx(), h.admin, "no", nil)
	wantErr(t, err, portal.ErrNotFound)
}
