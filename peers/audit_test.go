package peers_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestChangesTellWhatWasBefore(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	in := peers.ResourceInput{Name: "wiki", Prefixes: []string{"192.0.2.0/24"}, Transport: portal.TCP}
	r, err := h.s.CreateResource(h.ctx(), h.admin, in)
	h.ok(err)
	in.Name = "handbook"
	_, err = h.s.UpdateResource(h.ctx(), h.admin, r.ID, in)
	h.ok(err)
	h.ok(h.s.DeleteResource(h.ctx(), h.admin, r.ID))
	h.tx(func(tx *store.Tx) error {
		events, err := tx.AuditPage(0, 2)
		h.ok(err)
		for i, want := range []string{`"Prefixes":["192.0.2.0/24"]`, `"before":{"Name":"wiki"}`} {
			if !strings.Contains(events[i].Detail, want) {
				t.Errorf("%s: %s; want %s", events[i].Action, events[i].Detail, want)
			}
		}
		return nil
	})
}

func TestHelpDeskTouchesDevicesOfPlainUsers(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	laptop, servers := h.device(h.mina, "laptop"), h.device(h.admin, "servers")
	desk := h.admin
	desk.User, desk.Role = "desk", portal.RoleHelpDesk
	h.tx(func(tx *store.Tx) error { return tx.SetRole(h.admin.User, portal.RoleAdmin, store.RoleLocal) })
	_, err := h.s.SuspendDevice(h.ctx(), desk, servers.ID)
	wantErr(t, err, portal.ErrAboveOwn)
	_, err = h.s.RevokeDevice(h.ctx(), desk, servers.ID)
	wantErr(t, err, portal.ErrAboveOwn)
	_, err = h.s.ReplaceKey(h.ctx(), desk, laptop.ID, newKey(t).String())
	wantErr(t, err, portal.ErrForbidden)
	_, err = h.s.SuspendDevice(h.ctx(), desk, laptop.ID)
	h.ok(err)
	_, err = h.s.ResumeDevice(h.ctx(), desk, laptop.ID)
	h.ok(err)
	for _, role := range []portal.Role{portal.RoleAuditor, portal.RoleNetworkAdmin} {
		other := desk
		other.Role = role
		_, err = h.s.Device(h.ctx(), other, laptop.ID)
		h.ok(err)
		_, err = h.s.SuspendDevice(h.ctx(), other, laptop.ID)
		wantErr(t, err, portal.ErrForbidden)
		_, err = h.s.RevokeDevice(h.ctx(), other, laptop.ID)
		wantErr(t, err, portal.ErrForbidden)
	}
	_, err = h.s.RevokeDevice(h.ctx(), desk, laptop.ID)
	h.ok(err)
}
