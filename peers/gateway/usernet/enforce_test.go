package usernet

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
)

type enforcer struct{ *Filter }

func (e enforcer) FromTunnel(_ *testing.T, packet, _ []byte) bool {
	return e.fromTunnel(packet) != drop
}
func (e enforcer) ToTunnel(_ *testing.T, packet, _ []byte) bool { return e.toTunnel(packet) }

func TestFilterPassesTheCommonCases(t *testing.T) {
	enforcetest.Run(t, func(*testing.T) enforcetest.Enforcer { return enforcer{&Filter{Now: time.Now}} })
}

func FuzzParse(f *testing.F) {
	outward, answered := enforcetest.SentinelPackets([]byte("seed"))
	f.Add(outward)
	f.Add(answered)
	f.Add([]byte{0x60})
	f.Fuzz(func(_ *testing.T, b []byte) {
		if p, ok := parse(b); ok && p.inner != nil {
			parseInner(p.inner)
		}
	})
}
