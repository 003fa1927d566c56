package peers

import (
	"context"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// files judges which files are out of date. A file is known by its version, which the device keeps from when the file was made.
type files struct {
	tx  *store.Tx
	pl  places
	now map[portal.ProfileID]portal.FileFacts // what files say now, without a gateway
	of  map[portal.ProfileID]portal.Profile
}

func readFiles(tx *store.Tx) (*files, error) {
	pl, err := readPlaces(tx)
	return newFiles(tx, pl), err
}

func newFiles(tx *store.Tx, pl places) *files {
	return &files{tx, pl, map[portal.ProfileID]portal.FileFacts{}, map[portal.ProfileID]portal.Profile{}}
}

// outdated lists what a version lacks; nothing for one that is not known.
func (f *files) outdated(profile portal.ProfileID, version string) ([]portal.FileReason, error) {
	facts, err := portal.ParseFileFacts(version)
	if err != nil {
		return nil, nil //nolint:nilerr // files from before versions were kept, and devices without one
	}
	if _, known := f.now[profile]; !known {
		p, err := f.tx.Profile(profile)
		if err != nil {
			return nil, err
		}
		f.now[profile], f.of[profile] = portal.FactsOf(p, portal.Gateway{}), p
	}
	return facts.Outdated(f.now[profile], f.pl.serving(facts.Gateway, f.of[profile])), nil
}

// serving returns a gateway that serves the profile; the zero value when it is gone, retired, or elsewhere.
func (pl places) serving(id portal.GatewayID, profile portal.Profile) portal.Gateway {
	i := slices.IndexFunc(pl.gateways, func(g portal.Gateway) bool { return g.ID == id })
	if i < 0 || pl.gateways[i].State == portal.GatewayRetired || !profile.ServedBy(pl.gateways[i].PoP) {
		return portal.Gateway{}
	}
	return pl.gateways[i]
}

// outdatedFiles returns the versions that are out of date, of one profile or, for "", of all.
func (f *files) outdatedFiles(profile portal.ProfileID) ([]store.DeviceFile, error) {
	all, err := f.tx.DeviceFiles(profile)
	if err != nil {
		return nil, err
	}
	out := []store.DeviceFile{}
	for _, x := range all {
		reasons, err := f.outdated(x.Profile, x.File)
		if err != nil {
			return nil, err
		}
		if len(reasons) > 0 {
			out = append(out, x)
		}
	}
	return out, nil
}

// filesAfter counts the devices that would need a new file if the profile were after instead of before. Where a device's file is not
// known it is taken to be as before.
func filesAfter(tx *store.Tx, before, after portal.Profile, devices int) (int, error) {
	f, err := readFiles(tx)
	if err != nil {
		return 0, err
	}
	answers, err := tx.Answers(after.Names)
	if err != nil {
		return 0, err
	}
	after.ID, after.Answers = before.ID, nil
	for _, n := range after.Names {
		after.Answers = append(after.Answers, answers[n]...)
	}
	facts := portal.FactsOf(after, portal.Gateway{})
	f.now[after.ID], f.of[after.ID] = facts, after
	known, err := tx.DeviceFiles(after.ID)
	if err != nil {
		return 0, err
	}
	n, unknown := 0, devices
	for _, x := range known {
		unknown -= x.Devices
		reasons, err := f.outdated(x.Profile, x.File)
		if err != nil {
			return 0, err
		}
		if len(reasons) > 0 {
			n += x.Devices
		}
	}
	if facts != portal.FactsOf(before, portal.Gateway{}) {
		n += unknown
	}
	return n, nil
}

// firstFile is the version of the file that a device is given with a key; "" where no gateway takes clients now.
func (pl places) firstFile(d portal.Device, profile portal.Profile) string {
	if d.Protocol != portal.WireGuard {
		return "" // what changes is told when the client connects
	}
	g, err := pl.gateway(d.PoP, d.ID)
	if err != nil {
		return "" // the file comes later, and is noted then
	}
	return portal.FactsOf(profile, g).Version()
}

// NoteFile keeps which version of its file a device has now. version is a config's; others are portal.ErrFileVersion.
func (s *Service) NoteFile(ctx context.Context, by portal.Actor, id portal.DeviceID, version string) (DeviceView, error) {
	facts, err := portal.ParseFileFacts(version)
	if err != nil {
		return DeviceView{}, err
	}
	return s.changeDevice(ctx, by, portal.DevicesKeys, id, func(tx *store.Tx, d store.DeviceRecord) (uint64, error) {
		if d.Protocol != portal.WireGuard {
			return 0, ErrProtocol
		}
		if d.File == version {
			return 0, nil
		}
		if err := tx.SetDeviceFile(id, version); err != nil {
			return 0, err
		}
		return 0, tx.Audit(by, "device.file", deviceTarget(id), map[string]any{"owner": d.User, "name": d.Name, "gateway": facts.Gateway})
	})
}
