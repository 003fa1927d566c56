package portal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

// TestRightsAreThoseThatWereDecided writes the table down a second time, so that a slip in the code shows. The columns are owner, admin,
// network admin, help desk, auditor and user; "!" asks for a fresh second factor.
func TestRightsAreThoseThatWereDecided(t *testing.T) {
	const want = `
access.probe    owner admin network_admin help_desk
access.read     owner admin network_admin help_desk auditor
access.write    owner admin network_admin !
audit.export    owner admin auditor
audit.read      owner admin auditor
devices.keys    owner admin !
devices.read    owner admin network_admin help_desk auditor
devices.write   owner admin help_desk !
gateways.read   owner admin network_admin help_desk auditor
gateways.write  owner admin network_admin !
groups.read     owner admin network_admin help_desk auditor
groups.write    owner admin !
overview.read   owner admin network_admin help_desk auditor
own.approvals   owner admin network_admin help_desk auditor user !
own.devices     owner admin network_admin help_desk auditor user
own.read        owner admin network_admin help_desk auditor user
own.requests    owner admin network_admin help_desk auditor user
own.security    owner admin network_admin help_desk auditor user
people.factors  owner admin help_desk !
people.read     owner admin help_desk auditor
people.roles    owner admin !
people.write    owner admin help_desk !
posture.read    owner admin network_admin help_desk auditor
posture.report  owner admin !
posture.write   owner admin !
profiles.read   owner admin network_admin help_desk auditor
profiles.write  owner admin network_admin !
settings.read   owner admin auditor
settings.write  owner !
staff.write     owner admin !
tokens.read     owner admin auditor
tokens.write    owner admin !
`
	var got strings.Builder
	for _, x := range portal.Rights() {
		line := string(x) + strings.Repeat(" ", 15-len(x))
		for _, role := range portal.Roles() {
			if role.May(x) {
				line += " " + string(role)
			}
		}
		if x.NeedsFresh() {
			line += " !"
		}
		got.WriteString(line + "\n")
	}
	if got.String() != want[1:] {
		t.Errorf("got\n%s\nwant%s", got.String(), want)
	}
}

func TestProgramsHaveNoRightToGetThemselvesMore(t *testing.T) {
	const want = "access.probe access.read access.write audit.export audit.read devices.read devices.write gateways.read gateways.write groups.read groups.write " +
		"overview.read people.read posture.read posture.report posture.write profiles.read profiles.write settings.read tokens.read"
	var got []string
	for _, x := range portal.Rights() {
		if x.ForServices() {
			got = append(got, string(x))
		}
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
	if portal.Right("everything").ForServices() {
		t.Error("an unknown right is given")
	}
}

func TestUnknownRolesAndRightsAreNothing(t *testing.T) {
	for _, role := range []portal.Role{"", "root", "Owner", "owner "} {
		for _, x := range portal.Rights() {
			if role.May(x) {
				t.Errorf("role %q may %s", role, x)
			}
		}
		if role.Known() || role.Covers(portal.RoleUser) || portal.RoleOwner.Covers(role) || role.Covers(role) {
			t.Errorf("role %q counts", role)
		}
	}
	if portal.RoleOwner.May("everything") {
		t.Error("an unknown right is given")
	}
	if (portal.Actor{}).May(portal.OwnRead) {
		t.Error("nobody may do something")
	}
}

// TestAuditorChangesNothing holds for every right that there will be: what is not a right to read, or the person's own, is not theirs.
func TestAuditorChangesNothing(t *testing.T) {
	for _, x := range portal.Rights() {
		reads := strings.HasSuffix(string(x), ".read") || x == portal.AuditExport
		if own := strings.HasPrefix(string(x), "own."); portal.RoleAuditor.May(x) != (reads || own) {
			t.Errorf("%s: %v", x, portal.RoleAuditor.May(x))
		}
		changes := !reads && x != portal.AccessProbe // a probe makes one connection or a few echoes, and leaves nothing behind
		if changes && !strings.HasPrefix(string(x), "own.") && !x.NeedsFresh() {
			t.Errorf("%s changes something and asks for no fresh factor", x)
		}
	}
}

func TestNobodyTouchesWhoHasMoreRights(t *testing.T) {
	const o, a, n, h, r, u = portal.RoleOwner, portal.RoleAdmin, portal.RoleNetworkAdmin, portal.RoleHelpDesk, portal.RoleAuditor, portal.RoleUser
	touches := map[portal.Role]string{o: "owner admin network_admin help_desk auditor user", a: "admin network_admin help_desk auditor user", n: "user", h: "user", r: "user", u: "user"}
	for role, want := range touches {
		var got []string
		for _, other := range portal.Roles() {
			if err := role.MayTouch(other); err == nil {
				got = append(got, string(other))
			} else if !errors.Is(err, portal.ErrAboveOwn) {
				t.Error(err)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s touches %v; want %s", role, got, want)
		}
	}
	if n.Covers(h) || h.Covers(n) || !a.Covers(n) || !a.Covers(h) || !a.Covers(r) || a.Covers(o) || !o.Covers(a) {
		t.Error("the cover of roles is wrong")
	}
}
