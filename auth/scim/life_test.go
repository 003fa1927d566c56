package scim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// equip gives a person a device with a live grant, a session and a personal token.
func (w *world) equip(id portal.UserID, profile portal.ProfileID) portal.EntryKey {
	w.t.Helper()
	by := portal.Actor{User: id, Role: portal.RoleUser}
	key, err := portal.NewPrivateKey()
	w.ok(err)
	d, err := w.peers.CreateDevice(w.t.Context(), by, peers.NewDevice{
		Name: "laptop", Platform: portal.Linux, Profile: profile, PublicKey: key.Public().String(),
	})
	w.ok(err)
	w.tx(func(tx *store.Tx) error {
		end := tx.Now.Add(time.Hour)
		return errors.Join(
			tx.CreateSession(portal.Session{ID: portal.NewID[portal.SessionID](tx.Now), User: id, CreatedAt: tx.Now, SeenAt: tx.Now, ExpiresAt: end, FactorAt: tx.Now}, "s"+string(id)),
			tx.CreateToken(portal.Token{ID: portal.NewID[portal.TokenID](tx.Now), User: id, CreatedAt: tx.Now, ExpiresAt: end}, "t"+string(id)),
		)
	})
	return portal.EntryKey{Profile: profile, Device: d.ID}
}

// profile opens a network to everybody, with an address pool and a gateway that serves it.
func (w *world) profile() portal.ProfileID {
	w.t.Helper()
	key, err := portal.NewPrivateKey()
	w.ok(err)
	w.tx(func(tx *store.Tx) error {
		pop := portal.PoP{ID: portal.NewID[portal.PoPID](tx.Now), Name: "Seoul", CreatedAt: tx.Now}
		g := portal.Gateway{
			ID: portal.NewID[portal.GatewayID](tx.Now), PoP: pop.ID, Name: "seoul-1", State: portal.GatewayActive, Host: "seoul-1.example.com", Port: 51820,
			PublicKey: key.Public(), CreatedAt: tx.Now, EnrolledAt: tx.Now, SeenAt: tx.Now,
		}
		if err := errors.Join(tx.CreatePoP(pop), tx.CreateGateway(g), tx.EnrolGateway(g, 0)); err != nil {
			return err
		}
		_, err := tx.SaveReports([]store.GatewayReport{{Gateway: g}})
		return err
	})
	_, err = w.peers.SeedPool(w.t.Context(), netip.Prefix{}, netip.MustParsePrefix("fd5a:1::/112"))
	w.ok(err)
	p, err := w.peers.CreateProfile(w.t.Context(), portal.System, peers.ProfileInput{Name: "Work", Mode: portal.Split, Included: []string{"10.20.0.0/16"}, Session: 8 * time.Hour})
	w.ok(err)
	return p.ID
}

// left is what still lets a person in.
func (w *world) left(id portal.UserID, key portal.EntryKey) (s string) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		sessions, err := tx.Sessions(id)
		tokens, err2 := tx.Tokens(id)
		_, err3 := tx.Object(store.EntryKey(key))
		entry := 1
		if errors.Is(err3, portal.ErrNotFound) {
			entry, err3 = 0, nil
		}
		s = fmt.Sprintf("sessions %d tokens %d entries %d", len(sessions), len(tokens), entry)
		return errors.Join(err, err2, err3)
	})
	return s
}

func TestDeactivationEndsSessionsTokensAndTunnelsAtOnce(t *testing.T) {
	for name, how := range map[string][3]string{
		"patch":  {"PATCH", patch(`{"op":"replace","path":"active","value":false}`)},
		"put":    {"PUT", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mina@example.com","externalId":"ext-mina","active":false}`},
		"delete": {"DELETE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				profile := w.profile()
				id, other := w.user("mina"), w.user("jun")
				key, otherKey := w.equip(id, profile), w.equip(other, profile)
				if got := w.left(id, key); got != "sessions 1 tokens 1 entries 1" {
					t.Fatalf("before: %s", got)
				}
				before := w.audits()
				w.want(map[bool]int{true: http.StatusNoContent, false: http.StatusOK}[name == "delete"], how[0], "/Users/"+string(id), how[1])
				if got := w.left(id, key); got != "sessions 0 tokens 0 entries 0" {
					t.Errorf("after: %s", got)
				}
				if got := w.left(other, otherKey); got != "sessions 1 tokens 1 entries 1" {
					t.Errorf("somebody else: %s", got)
				}
				events := w.audits()[len(before):]
				if len(events) < 2 || slices.ContainsFunc(events, func(e portal.AuditEvent) bool {
					return !e.At.Equal(events[0].At) || e.Actor != "scim:"+string(w.token.ID)
				}) {
					t.Errorf("not one transaction of the directory: %+v", events)
				}
				if w.audited("user.suspend", `"sessions":1,"tokens":1`) != 1 {
					t.Error("no word of it in the trail")
				}
			})
		})
	}
}

// audits returns the events, oldest first.
func (w *world) audits() (events []portal.AuditEvent) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) (err error) {
		events, err = tx.AuditPage(0, 1000)
		slices.Reverse(events)
		return err
	})
	return events
}

func TestRefusedDeactivationChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.user("boss")
		w.tx(func(tx *store.Tx) error { return tx.SetRole(id, portal.RoleOwner, store.RoleLocal) })
		r := w.want(http.StatusConflict, "PATCH", "/Users/"+string(id), patch(`{"op":"replace","path":"displayName","value":"New"}`, `{"op":"replace","path":"active","value":false}`))
		if r.body["detail"] != auth.ErrLastOwner.Msg {
			t.Errorf("said is %s", r.raw)
		}
		w.want(http.StatusConflict, "DELETE", "/Users/"+string(id), "")
		if r := w.want(http.StatusOK, "GET", "/Users/"+string(id), ""); r.body["active"] != true || r.body["displayName"] != "boss" {
			t.Errorf("the person is %s", r.raw)
		}
	})
}

func TestActiveAgainRestoresWhatTheDirectoryTook(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		profile := w.profile()
		id := w.user("mina")
		key := w.equip(id, profile)
		set := func(active string) {
			w.want(http.StatusOK, "PATCH", "/Users/"+string(id), patch(`{"op":"Replace","path":"active","value":"`+active+`"}`))
		}
		set("False")
		set("True")
		if got := w.left(id, key); got != "sessions 0 tokens 0 entries 1" {
			t.Errorf("after coming back: %s", got)
		}
		w.ok(w.auth.Suspend(t.Context(), portal.System, id))
		set("True")
		w.want(http.StatusOK, "PATCH", "/Users/"+string(id), patch(`{"op":"replace","path":"title","value":"x"}`))
		if got := w.left(id, key); got != "sessions 0 tokens 0 entries 0" {
			t.Errorf("an administrator's suspension was undone by a directory that never asked for one: %s", got)
		}
	})
}

func TestPersonOfTheDirectoryIsThePersonWhoSignsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.user("mina")
		early := portal.UserID("")
		w.tx(func(tx *store.Tx) error {
			user, err := tx.UserByIdentity(issuer, "ext-mina")
			if user.ID != id || user.Name != "mina" {
				t.Errorf("the identity is %+v, want %s", user, id)
			}
			early = portal.NewID[portal.UserID](tx.Now)
			_, _, err2 := tx.EnsureIdentity(issuer, "ext-jun", portal.User{ID: early, Name: "Jun", Email: "mina@example.com", Role: portal.RoleUser, State: portal.UserActive})
			return errors.Join(err, err2)
		})
		if got := w.user("jun"); got != early {
			t.Errorf("somebody who signed in first became two: %s and %s", early, got)
		}
		body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"third","userName":"third","emails":[{"value":"mina@example.com"}]}`
		if r := w.want(http.StatusCreated, "POST", "/Users", body); r.body["id"] == string(early) || r.body["id"] == string(id) {
			t.Errorf("matched by address: %s", r.raw)
		}
		r := w.want(http.StatusConflict, "PATCH", "/Users/"+string(id), patch(`{"op":"replace","path":"externalId","value":"ext-jun"}`))
		if r.body["scimType"] != "uniqueness" {
			t.Errorf("taking somebody's account over: %s", r.raw)
		}
		w.want(http.StatusOK, "PATCH", "/Users/"+string(id), patch(`{"op":"replace","path":"externalId","value":"ext-new"}`))
		w.tx(func(tx *store.Tx) error {
			_, old := tx.UserByIdentity(issuer, "ext-mina")
			user, err := tx.UserByIdentity(issuer, "ext-new")
			if !errors.Is(old, portal.ErrNotFound) || user.ID != id {
				t.Errorf("after the change of account: old %v, new %s", old, user.ID)
			}
			return err
		})
	})
}

func TestDeletedPersonComesBackAsThemselves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.user("mina")
		g := w.group("Eng", id)
		w.want(http.StatusNoContent, "DELETE", "/Users/"+string(id), "")
		for _, method := range []string{"GET", "DELETE"} {
			w.want(http.StatusNotFound, method, "/Users/"+string(id), "")
		}
		w.want(http.StatusBadRequest, "PATCH", "/Groups/"+string(g), patch(`{"op":"add","path":"members","value":[{"value":"`+string(id)+`"}]}`))
		if r := w.want(http.StatusOK, "GET", "/Groups/"+string(g), ""); r.body["members"] != nil || r.header.Get("ETag") != `W/"2"` {
			t.Errorf("the group is %s, %s", r.raw, r.header.Get("ETag"))
		}
		if again := w.user("mina"); again != id {
			t.Errorf("came back as %s, was %s", again, id)
		}
		w.tx(func(tx *store.Tx) error {
			user, err := tx.User(id)
			if user.State != portal.UserActive {
				t.Errorf("state is %s", user.State)
			}
			return err
		})
	})
}

func TestDirectoriesDoNotSeeEachOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.user("mina")
		g := w.group("Eng", id)
		_, w.secret = w.newToken("https://other.example.com")
		for _, c := range [][3]string{
			{"GET", "/Users/" + string(id)},
			{"DELETE", "/Users/" + string(id)},
			{"GET", "/Groups/" + string(g)},
			{"DELETE", "/Groups/" + string(g)},
			{"PATCH", "/Users/" + string(id), patch(`{"op":"replace","path":"active","value":false}`)},
			{"PATCH", "/Groups/" + string(g), patch(`{"op":"remove","path":"members"}`)},
		} {
			w.want(http.StatusNotFound, c[0], c[1], c[2])
		}
		for _, path := range []string{"/Users", "/Groups", "/Users?filter=userName+pr"} {
			if r := w.want(http.StatusOK, "GET", path, ""); r.body["totalResults"] != 0.0 {
				t.Errorf("%s: %s", path, r.raw)
			}
		}
		w.want(http.StatusConflict, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Eng"}`)
		mine := w.user("mina") // the same names, another issuer: somebody else
		if mine == id {
			t.Error("the same person at two issuers")
		}
		w.want(http.StatusBadRequest, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"X","members":[{"value":"`+string(id)+`"}]}`)
	})
}

func TestGroupsTakeOnlyWhatTheDirectoryGave(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.user("a"), w.user("b")
		w.tx(func(tx *store.Tx) error {
			_, err := tx.SetMemberships(a, portal.SourceClaim, []string{"Eng"})
			return err
		})
		adopted, own := w.group("Eng", a, b), w.group("Own", b)
		if got := w.groups(a) + "; " + w.groups(b); got != "Eng[claim scim]; Eng[scim] Own[scim]" {
			t.Errorf("groups are %s", got)
		}
		w.want(http.StatusNoContent, "PATCH", "/Groups/"+string(adopted), patch(`{"op":"remove","path":"members"}`))
		if got := w.groups(a) + "; " + w.groups(b); got != "Eng[claim]; Own[scim]" {
			t.Errorf("groups are %s", got)
		}
		w.want(http.StatusNoContent, "DELETE", "/Groups/"+string(adopted), "")
		w.want(http.StatusNoContent, "DELETE", "/Groups/"+string(own), "")
		w.tx(func(tx *store.Tx) error {
			_, kept := tx.Group(adopted)
			_, gone := tx.Group(own)
			if kept != nil || !errors.Is(gone, portal.ErrNotFound) {
				t.Errorf("the group of claims: %v; the directory's own: %v", kept, gone)
			}
			return nil
		})
		w.want(http.StatusConflict, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Everyone"}`)
		tokens, err := w.Tokens(t.Context(), portal.System)
		w.ok(err)
		if got := tokens[0]; got.WroteAt.IsZero() || got.FailedAt.IsZero() || got.Failure != "POST /Groups: 409 uniqueness There is a group of this name." {
			t.Errorf("what the directory did is noted as %+v", got)
		}
	})
}

// A group that asks for second factors is not a directory's to delete: what it asks would be gone with it.
func TestADirectoryDoesNotDeleteAFactorPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("Admins", w.user("mina"))
		w.tx(func(tx *store.Tx) error { return tx.SetFactorPolicy(g, portal.DefaultFactorPolicy()) })
		w.want(http.StatusNoContent, "DELETE", "/Groups/"+string(g), "")
		w.tx(func(tx *store.Tx) error {
			_, err := tx.FactorPolicy(g)
			return err
		})
	})
}

func TestMembershipOpensAndClosesWhatARuleAllows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		profile := w.profile()
		id, other := w.user("mina"), w.user("jun")
		key, otherKey := w.equip(id, profile), w.equip(other, profile)
		g := w.group("Eng")
		res, err := w.peers.CreateResource(w.t.Context(), portal.System, peers.ResourceInput{Name: "db", Prefixes: []string{"10.20.1.0/24"}, Transport: portal.AnyTransport})
		w.ok(err)
		_, err = w.peers.CreateRule(w.t.Context(), portal.System, peers.RuleInput{Name: "r", Reason: "they keep the database", Action: portal.Allow, Groups: []portal.GroupID{g}, Resources: []portal.ResourceID{res.ID}})
		w.ok(err)
		none, unchanged := w.signature(key), w.signature(otherKey)
		w.want(http.StatusNoContent, "PATCH", "/Groups/"+string(g), patch(`{"op":"add","path":"members","value":[{"value":"`+string(id)+`"}]}`))
		if w.signature(key) == none {
			t.Error("a member has no more rights than before")
		}
		w.want(http.StatusNoContent, "PATCH", "/Groups/"+string(g), patch(`{"op":"remove","path":"members[value eq \"`+string(id)+`\"]"}`))
		if w.signature(key) != none || w.signature(otherKey) != unchanged {
			t.Error("rights stayed after the membership, or somebody else's changed")
		}
		w.want(http.StatusNoContent, "PATCH", "/Groups/"+string(g), patch(`{"op":"add","path":"members","value":[{"value":"`+string(id)+`"}]}`))
		w.want(http.StatusNoContent, "DELETE", "/Groups/"+string(g), "")
		if w.signature(key) != none {
			t.Error("rights stayed after the group")
		}
		w.tx(func(tx *store.Tx) error {
			_, err := tx.Group(g) // a rule names it
			return err
		})
	})
}

// signature is the set of rules that a device's entry names.
func (w *world) signature(key portal.EntryKey) (s portal.SignatureID) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		o, err := tx.Object(store.EntryKey(key))
		var e portal.Entry
		err = errors.Join(err, json.Unmarshal(o.Value, &e))
		s = e.Signature
		return err
	})
	return s
}
