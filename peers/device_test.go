package peers_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestNewDeviceGetsAddressGrantAndEntry(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		in := h.newDevice("  laptop ")
		d, err := h.s.CreateDevice(h.ctx(), h.mina, in)
		h.ok(err)
		if d.Name != "laptop" || d.OwnerName != "Mina Kim" || d.ProfileName != "Work" || d.PoP != h.pop.ID {
			t.Errorf("device is %+v", d)
		}
		if d.Addr.N != portal.PoolFirst || d.Addr.V4 != netip.MustParseAddr("10.77.0.4") || d.Addr.V6 != netip.MustParseAddr("fd5a:1::4") {
			t.Errorf("address is %+v", d.Addr)
		}
		end := started.Add(8 * time.Hour)
		if d.Grant.Level != portal.LevelFull || !d.Grant.NotAfter.Equal(end) {
			t.Errorf("grant is %+v, want full until %s", d.Grant, end)
		}
		e, there := h.entry(d)
		if !there || e.PublicKey.String() != in.PublicKey || e.V4 != d.Addr.V4 || e.V6 != d.Addr.V6 || !e.NotAfter.Equal(end) {
			t.Errorf("entry is %+v, %v", e, there)
		}
		read, err := h.s.Device(h.ctx(), h.mina, d.ID)
		h.ok(err)
		if read.Device != d.Device || !reflect.DeepEqual(read.Grant, d.Grant) {
			t.Errorf("read back: %+v, want %+v", read, d)
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestRevokedDeviceLosesItsAddressAndEntryAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first, second := h.device(h.mina, "first"), h.device(h.mina, "second")
		revision, err := h.s.RevokeDevice(h.ctx(), h.mina, first.ID)
		h.ok(err)
		if revision <= second.Revision {
			t.Errorf("revision %d is not after %d", revision, second.Revision)
		}
		if _, there := h.entry(first); there {
			t.Error("the entry is still there")
		}
		_, err = h.s.Device(h.ctx(), h.mina, first.ID)
		wantErr(t, err, portal.ErrNotFound)
		_, err = h.s.RevokeDevice(h.ctx(), h.mina, first.ID)
		wantErr(t, err, portal.ErrNotFound)
		if third := h.device(h.jun, "third"); third.Addr != first.Addr {
			t.Errorf("the next device has %s, want the freed %s", third.Addr.V4, first.Addr.V4)
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestNewKeyReplacesTheOldOneAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		h.now = h.now.Add(time.Hour)
		key := newKey(t)
		after, err := h.s.ReplaceKey(h.ctx(), h.mina, d.ID, key.String())
		h.ok(err)
		if after.PublicKey != key || !after.KeyAt.Equal(h.now) || after.Addr != d.Addr || !reflect.DeepEqual(after.Grant, d.Grant) || after.Revision <= d.Revision {
			t.Errorf("device is %+v", after)
		}
		if e, _ := h.entry(d); e.PublicKey != key {
			t.Errorf("entry has key %s", e.PublicKey)
		}
		again, err := h.s.ReplaceKey(h.ctx(), h.mina, d.ID, key.String())
		if err != nil || again.Revision != 0 {
			t.Errorf("the same key again: revision %d, err %v; want nothing to happen", again.Revision, err)
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestSuspendedDeviceIsCutUntilAnAdminResumesIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		cut, err := h.s.SuspendDevice(h.ctx(), h.mina, d.ID)
		h.ok(err)
		if _, there := h.entry(d); there || cut.State != portal.DeviceSuspended || cut.Revision == 0 {
			t.Errorf("entry is there: %v, device is %+v", there, cut)
		}
		h.ok(h.sameAsCompiled())
		_, err = h.s.ResumeDevice(h.ctx(), h.mina, d.ID)
		wantErr(t, err, portal.ErrForbidden)
		_, err = h.s.ResumeDevice(h.ctx(), h.jun, d.ID)
		wantErr(t, err, portal.ErrNotFound)
		back, err := h.s.ResumeDevice(h.ctx(), h.admin, d.ID)
		h.ok(err)
		if _, there := h.entry(d); !there || back.Addr != d.Addr {
			t.Errorf("entry is there: %v, device is %+v", there, back)
		}
		again, err := h.s.ResumeDevice(h.ctx(), h.admin, d.ID)
		if err != nil || again.Revision != 0 {
			t.Errorf("resumed twice: revision %d, err %v; want nothing to happen", again.Revision, err)
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestKeysInUseAreRefusedWithoutSayingWhose(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mine, his := h.device(h.mina, "laptop"), h.device(h.jun, "laptop")
		for whose, key := range map[string]portal.PublicKey{"own": mine.PublicKey, "somebody else's": his.PublicKey, "a gateway's": h.gateway.PublicKey} {
			in := h.newDevice("other")
			in.PublicKey = key.String()
			_, err := h.s.CreateDevice(h.ctx(), h.mina, in)
			wantErr(t, err, peers.ErrKeyTaken)
			if err != nil && err.Error() != peers.ErrKeyTaken.Error() {
				t.Errorf("%s key: the answer says more than the others: %v", whose, err)
			}
		}
		_, err := h.s.ReplaceKey(h.ctx(), h.mina, mine.ID, his.PublicKey.String())
		wantErr(t, err, peers.ErrKeyTaken)
	})
}

func TestUnusableKeysAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		high := newKey(t)
		high[31] |= 0x80                            // the same point under another name
		base := portal.PublicKey{0: 0xf6, 31: 0x7f} // 9 + p: the base point under another name
		for i := 1; i < 31; i++ {
			base[i] = 0xff
		}
		for name, key := range map[string]string{
			"empty":         "",
			"short":         "AAAA",
			"zero":          strings.Repeat("A", 43) + "=",
			"order 8":       "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=",
			"not base64":    strings.Repeat("*", 44),
			"33 bytes":      base64.StdEncoding.EncodeToString(make([]byte, 33)),
			"url alphabet":  base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb, 0xff, 0x7b}, 11)[:32]),
			"with newline":  newKey(t).String()[:43] + "\n",
			"high bit set":  high.String(),
			"not the least": base.String(),
			"long":          strings.Repeat("k", 10_000),
		} {
			in := h.newDevice("laptop")
			in.PublicKey = key
			if _, err := h.s.CreateDevice(h.ctx(), h.mina, in); err == nil {
				t.Errorf("%s: accepted", name)
			} else {
				wantField(t, err, "/publicKey:public_key")
			}
		}
	})
}

func TestDeviceNamesAreTextAndUniquePerPerson(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for in, code := range map[string]string{
			"":                       "required",
			" \t ":                   "required",
			strings.Repeat("x", 65):  "too_long",
			strings.Repeat("x", 1e4): "too_long",
			"two\nlines":             "not_printable",
			"nul\x00":                "not_printable",
			"turned \u202e text":     "not_printable",
			"not UTF-8 \xff":         "not_printable",
			"\u200bzero width":       "not_printable",
			strings.Repeat("가", 65):  "too_long",
		} {
			_, err := h.s.CreateDevice(h.ctx(), h.mina, h.newDevice(in))
			wantField(t, err, "/name:"+code)
		}
		for _, name := range []string{strings.Repeat("가", 64), `<script>alert("x")</script>`, "'; DROP TABLE devices; --", "민아의 노트북 💻"} {
			if d := h.device(h.mina, name); d.Name != name {
				t.Errorf("%q was kept as %q", name, d.Name)
			}
		}
		composed, decomposed := "caf\u00e9", "cafe\u0301"
		if d := h.device(h.mina, decomposed); d.Name != composed {
			t.Errorf("%+q was kept as %+q", decomposed, d.Name)
		}
		_, err := h.s.CreateDevice(h.ctx(), h.mina, h.newDevice(composed))
		wantErr(t, err, peers.ErrDeviceName)
		his := h.device(h.jun, composed)
		other := h.device(h.jun, "other")
		_, err = h.s.RenameDevice(h.ctx(), h.jun, other.ID, composed)
		wantErr(t, err, peers.ErrDeviceName)
		same, err := h.s.RenameDevice(h.ctx(), h.jun, his.ID, composed)
		if err != nil || same.Revision != 0 {
			t.Errorf("renamed to its own name: %v", err)
		}
		renamed, err := h.s.RenameDevice(h.ctx(), h.jun, other.ID, "third")
		if err != nil || renamed.Name != "third" {
			t.Errorf("renamed: %+v, %v", renamed, err)
		}
	})
}

func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, err := h.s.CreateDevice(h.ctx(), h.mina, peers.NewDevice{Name: "\x07", Platform: "toaster", PublicKey: "x"})
		wantField(t, err, "/name:not_printable", "/platform:not_allowed", "/profile:required", "/publicKey:public_key")
	})
}

func TestOtherPeoplesDevicesAreNotThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		ids := map[string]portal.DeviceID{"not mine": d.ID, "not there": portal.NewID[portal.DeviceID](h.now), "empty": "", "odd": "x' OR 1=1 --"}
		for name, id := range ids {
			_, err1 := h.s.Device(h.ctx(), h.jun, id)
			_, err2 := h.s.RenameDevice(h.ctx(), h.jun, id, "x")
			_, err3 := h.s.ReplaceKey(h.ctx(), h.jun, id, newKey(t).String())
			_, err4 := h.s.RevokeDevice(h.ctx(), h.jun, id)
			_, err5 := h.s.SuspendDevice(h.ctx(), h.jun, id)
			_, err6 := h.s.ResumeDevice(h.ctx(), h.jun, id)
			_, err7 := h.s.Config(h.ctx(), h.jun, id, "")
			for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
				var e *portal.Error
				if !errors.As(err, &e) || e != portal.ErrNotFound {
					t.Errorf("%s, call %d: got %v, want the same ErrNotFound for all", name, i+1, err)
				}
			}
		}
		nobody := portal.Actor{}
		_, err := h.s.Device(h.ctx(), nobody, d.ID)
		wantErr(t, err, portal.ErrNotFound)
		_, err = h.s.Devices(h.ctx(), nobody, peers.DeviceQuery{})
		wantErr(t, err, portal.ErrForbidden)
		_, err = h.s.Devices(h.ctx(), h.jun, peers.DeviceQuery{Owner: h.mina.User})
		wantErr(t, err, portal.ErrNotFound)
		in := h.newDevice("for another")
		in.Owner = h.mina.User
		_, err = h.s.CreateDevice(h.ctx(), h.jun, in)
		wantErr(t, err, portal.ErrNotFound)
		forHer, err := h.s.CreateDevice(h.ctx(), h.admin, in)
		if err != nil || forHer.User != h.mina.User {
			t.Errorf("the admin's device for another: %+v, %v", forHer, err)
		}
		_, err = h.s.Device(h.ctx(), h.admin, d.ID)
		h.ok(err)
	})
}

func TestProfileOpenToGroupsIsNotThereForOthers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		eng, err := h.s.CreateGroup(h.ctx(), h.admin, "Engineering")
		h.ok(err)
		h.profile, err = h.s.CreateProfile(h.ctx(), h.admin, peers.ProfileInput{
			Name: "Engineering", Mode: portal.Full, Groups: []portal.GroupID{eng.ID}, MaxDevices: 2,
		})
		h.ok(err)
		_, err = h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("laptop"))
		wantErr(t, err, portal.ErrNotFound)
		_, err = h.s.Profile(h.ctx(), h.mina, h.profile.ID)
		wantErr(t, err, portal.ErrNotFound)
		h.ok(h.s.SetMember(h.ctx(), h.admin, eng.ID, h.mina.User, true))
		d := h.device(h.mina, "laptop")
		h.device(h.mina, "phone")
		_, err = h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("tablet"))
		wantErr(t, err, peers.ErrDeviceLimit)
		h.ok(h.s.SetMember(h.ctx(), h.admin, eng.ID, h.mina.User, false))
		if _, there := h.entry(d); there {
			t.Error("who left the group still has an entry under its profile")
		}
		h.ok(h.sameAsCompiled())
		_, err = h.s.Profile(h.ctx(), h.mina, h.profile.ID) // her devices still name it
		h.ok(err)
		h.ok(h.s.SetMember(h.ctx(), h.admin, eng.ID, h.mina.User, true))
		if _, there := h.entry(d); !there {
			t.Error("who came back to the group has no entry")
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestFullPoolIsAClearAnswerAndARevocationMakesRoom(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		pool, err := h.s.CreatePool(h.ctx(), h.admin, "Tiny", "10.99.0.0/29", "fd99::/125")
		h.ok(err)
		h.profile, err = h.s.CreateProfile(h.ctx(), h.admin, peers.ProfileInput{Name: "Tiny", Mode: portal.Full, Pool: pool.ID})
		h.ok(err)
		var all []peers.DeviceView
		for i := range 3 { // 4, 5, 6: the seventh is IPv4's broadcast address
			all = append(all, h.device(h.mina, fmt.Sprint("device ", i)))
		}
		_, err = h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("too many"))
		wantErr(t, err, portal.ErrPoolFull)
		_, err = h.s.RevokeDevice(h.ctx(), h.mina, all[1].ID)
		h.ok(err)
		if d := h.device(h.mina, "now it fits"); d.Addr.N != 5 {
			t.Errorf("got number %d, want the freed 5", d.Addr.N)
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestDevicesComeInPagesAndAreFoundByWhatPeopleKnow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 7 {
			h.now = h.now.Add(time.Second)
			h.device(h.mina, fmt.Sprintf("laptop %d", i))
		}
		h.now = h.now.Add(time.Second)
		his := h.device(h.jun, "100%_sure")
		var names []string
		q := peers.DeviceQuery{Limit: 3}
		for {
			page, err := h.s.Devices(h.ctx(), h.admin, q)
			h.ok(err)
			for _, d := range page.Items {
				names = append(names, d.Name)
			}
			if page.Next == "" {
				break
			}
			q.After = page.Next
		}
		want := []string{"100%_sure", "laptop 6", "laptop 5", "laptop 4", "laptop 3", "laptop 2", "laptop 1", "laptop 0"}
		if !slices.Equal(names, want) {
			t.Errorf("pages give %q, want %q", names, want)
		}
		for text, n := range map[string]int{
			"LAPTOP": 7, "laptop 3": 1, "%": 1, "_": 1, "mina": 7, "Jun@": 1, "10.77.0.4": 1, "10.77": 8, "10.77.0.": 8, "10.78": 0, "fd5a:1::5": 1,
			"10.77.0.8/30": 4, "fd5a:1::/120": 8, "::/0": 8, his.PublicKey.String(): 1, "no such thing": 0,
		} {
			page, err := h.s.Devices(h.ctx(), h.admin, peers.DeviceQuery{Text: text})
			if err != nil || len(page.Items) != n {
				t.Errorf("%q finds %d devices, err %v; want %d", text, len(page.Items), err, n)
			}
		}
		own, err := h.s.Devices(h.ctx(), h.jun, peers.DeviceQuery{Owner: h.jun.User})
		if err != nil || len(own.Items) != 1 || own.Next != "" {
			t.Errorf("own devices: %+v, %v", own, err)
		}
		_, err = h.s.Devices(h.ctx(), h.admin, peers.DeviceQuery{Limit: 201})
		wantField(t, err, "limit:out_of_range")
	})
}

func TestLiveStateIsOfTheGatewayWithTheNewestHandshake(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d, gone := h.device(h.mina, "laptop"), h.device(h.mina, "gone")
		busan := h.addPoP("Busan")
		other := h.addGateway(busan.ID, "busan-1")
		_, err := h.s.RevokeDevice(h.ctx(), h.mina, gone.ID)
		h.ok(err)
		at := netip.MustParseAddrPort("[2001:db8::7]:4500")
		h.tx(func(tx *store.Tx) error {
			return errors.Join(
				tx.RecordLive([]portal.Live{{Device: d.ID, Gateway: h.gateway.ID, Handshake: h.now.Add(-time.Hour), Rx: 1, At: h.now}}),
				tx.RecordLive([]portal.Live{
					{Device: gone.ID, Gateway: other.ID, Handshake: h.now, At: h.now}, // a gateway may speak of what was just revoked
					{Device: d.ID, Gateway: other.ID, Handshake: h.now.Add(-time.Minute), Endpoint: at, Rx: 1 << 40, Tx: 3, At: h.now},
				}))
		})
		v, err := h.s.Device(h.ctx(), h.mina, d.ID)
		h.ok(err)
		want := portal.Live{Device: d.ID, Gateway: other.ID, Endpoint: at, Handshake: h.now.Add(-time.Minute), Rx: 1 << 40, Tx: 3, At: h.now}
		if v.Live != want || v.LiveGateway != "busan-1" || v.LivePoP != "Busan" || !v.Live.Connected(h.now) {
			t.Errorf("live state is %+v of %s in %s, want %+v", v.Live, v.LiveGateway, v.LivePoP, want)
		}
		n, err := h.s.CountDevices(h.ctx())
		if err != nil || n != (peers.Counts{Devices: 1, Connected: 1}) {
			t.Errorf("counts are %+v, %v", n, err)
		}
		byOwner, err := h.s.CountByOwner(h.ctx(), []portal.UserID{h.mina.User, h.jun.User})
		if err != nil || len(byOwner) != 1 || byOwner[h.mina.User] != (peers.Counts{Devices: 1, Connected: 1}) {
			t.Errorf("counts by owner are %+v, %v", byOwner, err)
		}
		byGateway, err := h.s.ConnectedByGateway(h.ctx())
		if err != nil || len(byGateway) != 1 || byGateway[other.ID] != 1 {
			t.Errorf("counts by gateway are %+v, %v", byGateway, err)
		}
	})
}

func TestEveryChangeIsInTheAuditTrail(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		_, err := h.s.SuspendDevice(h.ctx(), h.mina, d.ID)
		h.ok(err)
		_, err = h.s.RevokeDevice(h.ctx(), h.mina, d.ID)
		h.ok(err)
		_, err = h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("")) // refused: not an event
		wantErr(t, err, portal.ErrInvalid)
		h.tx(func(tx *store.Tx) error {
			events, err := tx.AuditPage(0, 3)
			var got []string
			for _, e := range events {
				got = append(got, e.Action+" "+e.Actor+" "+e.Target+" "+e.Addr+" "+e.RequestID)
			}
			tail := " user:" + string(h.mina.User) + " device:" + string(d.ID) + " 203.0.113.7 r1"
			if want := []string{"device.revoke" + tail, "device.suspend" + tail, "device.create" + tail}; !slices.Equal(got, want) {
				t.Errorf("events are %q, want %q", got, want)
			}
			return err
		})
	})
}

func TestNewDeviceDoesNotOutliveTheSecondFactor(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	h.mina.FactorAt = h.now
	h.now = h.now.Add(5 * time.Hour)
	d := h.device(h.mina, "laptop")
	if want := h.mina.FactorAt.Add(8 * time.Hour); !d.Grant.NotAfter.Equal(want) || !d.Grant.RenewAt.Equal(h.mina.FactorAt) {
		t.Errorf("the grant is %+v, want one until %v", d.Grant, want)
	}
	h.now = h.now.Add(3 * time.Hour)
	_, err := h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("phone"))
	wantErr(t, err, portal.ErrStepUp)
	h.mina.FactorAt = h.now
	if d := h.device(h.mina, "phone"); !d.Grant.NotAfter.Equal(h.now.Add(8 * time.Hour)) {
		t.Errorf("after a second factor the grant is %+v", d.Grant)
	}
}

func TestTokenIsNoWayAroundTheSecondFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHouse(t, s)
		made := h.now
		token := portal.Token{ID: portal.NewID[portal.TokenID](made), User: h.mina.User, Name: "script", CreatedAt: made, ExpiresAt: made.AddDate(1, 0, 0)}
		if err := s.Tx(h.ctx(), func(tx *store.Tx) error { return tx.CreateToken(token, "hash") }); err != nil {
			t.Fatal(err)
		}
		script := h.mina
		script.Session, script.FactorAt, script.Token = "", time.Time{}, token.ID
		h.now = h.now.Add(5 * time.Hour)
		if d := h.device(script, "server"); !d.Grant.NotAfter.Equal(made.Add(8 * time.Hour)) {
			t.Errorf("the grant ends %v, want 8 h after the token was made: %v", d.Grant.NotAfter, made.Add(8*time.Hour))
		}
		h.now = h.now.Add(3 * time.Hour)
		_, err := h.s.CreateDevice(h.ctx(), script, h.newDevice("another"))
		wantErr(t, err, portal.ErrStepUp)
		session := portal.Session{
			ID: portal.NewID[portal.SessionID](h.now), User: h.mina.User, CreatedAt: h.now, SeenAt: h.now, ExpiresAt: h.now.Add(time.Hour), FactorAt: h.now,
		}
		if err := s.Tx(h.ctx(), func(tx *store.Tx) error { return tx.CreateSession(session, "hash") }); err != nil {
			t.Fatal(err)
		}
		if d := h.device(script, "another"); !d.Grant.NotAfter.Equal(h.now.Add(8 * time.Hour)) {
			t.Errorf("after a second factor in the browser the grant ends %v, want %v", d.Grant.NotAfter, h.now.Add(8*time.Hour))
		}
	})
}
