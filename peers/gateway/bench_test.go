package gateway_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/host"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

// people is a snapshot with n devices that share sigs signatures of three rules each.
func people(b testing.TB, n, sigs int) portal.Change {
	b.Helper()
	c := first()
	c.Signatures, c.Rules = nil, nil
	for i := range 30 {
		c.Rules = append(c.Rules, allow(fmt.Sprintf("rule%d", i), dst(fmt.Sprintf("10.%d.0.0/16", i+20), portal.TCP, 443), dst(fmt.Sprintf("10.%d.1.0/24", i+20), portal.AnyTransport)))
	}
	for i := range sigs {
		c.Signatures = append(c.Signatures, portal.Signature{ID: portal.SignatureID(fmt.Sprintf("sig%d", i)), Rules: []portal.RuleID{
			portal.RuleID(fmt.Sprintf("rule%d", i%30)), portal.RuleID(fmt.Sprintf("rule%d", (i/30)%30)), portal.RuleID(fmt.Sprintf("rule%d", (i+7)%30)),
		}})
	}
	for i := range n {
		c.Entries = append(c.Entries, person(b, uint32(i), sigs))
	}
	return c
}

func person(b testing.TB, i uint32, sigs int) portal.Entry {
	e := entry(i)
	if _, err := rand.Read(e.PublicKey[:]); err != nil {
		b.Fatal(err)
	}
	e.NotAfter = tomorrow
	e.Signature = portal.SignatureID(fmt.Sprintf("sig%d", int(i)%sigs))
	return e
}

// realAgent is an agent on this namespace, with wireguard-go and nftables.
func realAgent(b testing.TB, dir string) (a *gateway.Agent, stop func()) {
	b.Helper()
	netnstest.Need(b)
	key, err := portal.NewPrivateKey()
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	t := &wireguard.System{Name: tunnelName, Key: key, Log: log, Userspace: true}
	f := &firewall.Filter{Table: tableName, Interface: tunnelName, Log: log}
	a = &gateway.Agent{Tunnel: t, Filter: f, Host: &host.Host{Interface: tunnelName, Log: log}, Dir: dir, Now: time.Now, Log: log}
	if err := a.Open(context.Background()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return a, func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		f.Close()
		if err := t.Close(); err != nil {
			b.Error(err)
		}
		if err := firewall.Cleanup(tableName); err != nil {
			b.Error(err)
		}
	}
}

var sizes = []int{500, 10_000, 50_000}

// BenchmarkAddAndRevoke is one device added and one revoked, until both are in the kernel, in the tunnel and on disk.
func BenchmarkAddAndRevoke(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("peers=%d", n), func(b *testing.B) {
			a, stop := realAgent(b, b.TempDir())
			defer stop()
			mustApply(b, a, people(b, n, 100))
			e := person(b, uint32(n)+1, 100)
			rev := uint64(1)
			var add, revoke time.Duration
			runtime.GC() // what loading has left is not a change's to pay
			for b.Loop() {
				begin := time.Now()
				mustApply(b, a, portal.Change{Revision: rev + 1, Entries: []portal.Entry{e}})
				middle := time.Now()
				mustApply(b, a, portal.Change{Revision: rev + 2, Gone: []portal.EntryKey{e.EntryKey}})
				add, revoke = add+middle.Sub(begin), revoke+time.Since(middle)
				rev += 2
			}
			b.ReportMetric(float64(add.Microseconds())/float64(b.N), "µs/add")
			b.ReportMetric(float64(revoke.Microseconds())/float64(b.N), "µs/revoke")
		})
	}
}

// BenchmarkColdStart is an agent that starts from disk until it serves, against "wg setconf" with the same peers on a wireguard-go of its
// own: the ratio is what counts.
func BenchmarkColdStart(b *testing.B) {
	for _, n := range sizes[1:] {
		b.Run(fmt.Sprintf("peers=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			a, stop := realAgent(b, dir)
			snapshot := people(b, n, 100)
			mustApply(b, a, snapshot)
			stop()
			conf := setconfFile(b, snapshot)
			var cold, setconf, coldCPU, setconfCPU time.Duration
			for b.Loop() {
				begin, cpu := time.Now(), cpuTime(b)
				_, stop := realAgent(b, dir)
				cold, coldCPU = cold+time.Since(begin), coldCPU+cpuTime(b)-cpu
				stop()
				runtime.GC()
				cpu = cpuTime(b)
				setconf += timeSetconf(b, conf)
				setconfCPU += cpuTime(b) - cpu
				runtime.GC()
			}
			b.ReportMetric(cold.Seconds()*1000/float64(b.N), "ms/start")
			b.ReportMetric(setconf.Seconds()*1000/float64(b.N), "ms/setconf")
			b.ReportMetric(cold.Seconds()/setconf.Seconds(), "ratio")
			b.ReportMetric(coldCPU.Seconds()/setconfCPU.Seconds(), "cpu-ratio") // steadier where the machine is shared
		})
	}
}

// cpuTime is what this process and the programs that it ran have used.
func cpuTime(b testing.TB) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return sum
}

func setconfFile(b testing.TB, c portal.Change) string {
	b.Helper()
	var conf strings.Builder
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(&conf, "[Interface]\nPrivateKey = %s\nListenPort = 51899\n", base64.StdEncoding.EncodeToString(key[:]))
	for _, e := range c.Entries {
		fmt.Fprintf(&conf, "[Peer]\nPublicKey = %s\nAllowedIPs = %s/32, %s/128\n", e.PublicKey, e.V4, e.V6)
	}
	path := filepath.Join(b.TempDir(), "wg.conf")
	if err := os.WriteFile(path, []byte(conf.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// timeSetconf includes making the device, as the agent's start does.
func timeSetconf(b testing.TB, conf string) time.Duration {
	b.Helper()
	const name = "bench0"
	begin := time.Now()
	t, err := tun.CreateTUN(name, portal.DefaultMTU)
	if err != nil {
		b.Fatal(err)
	}
	dev := wgdevice.NewDevice(t, conn.NewDefaultBind(), &wgdevice.Logger{Verbosef: wgdevice.DiscardLogf, Errorf: wgdevice.DiscardLogf})
	defer dev.Close()
	file, err := ipc.UAPIOpen(name)
	if err != nil {
		b.Fatal(err)
	}
	l, err := ipc.UAPIListen(name, file)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go dev.IpcHandle(c)
		}
	}()
	here := netnstest.Here(b)
	here.MustRun(b, "wg", "setconf", name, conf)
	here.MustRun(b, "ip", "link", "set", name, "up")
	return time.Since(begin)
}

// BenchmarkRuleEdit is a rule that concerns everybody, changed.
func BenchmarkRuleEdit(b *testing.B) {
	a, stop := realAgent(b, b.TempDir())
	defer stop()
	mustApply(b, a, people(b, 10_000, 100))
	rules := []portal.CompiledRule{allow("rule0", dst("10.20.0.0/16", portal.TCP, 443)), allow("rule0", dst("10.20.0.0/16", portal.TCP, 80, 81))}
	rev := uint64(1)
	for b.Loop() {
		rev++
		mustApply(b, a, portal.Change{Revision: rev, Rules: rules[rev%2 : rev%2+1]})
	}
}

// BenchmarkMemory is what the agent keeps for 50,000 devices, beside the data path.
func BenchmarkMemory(b *testing.B) {
	const n = 50_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := newMachine(b)
	a, stop := run(b, m, b.TempDir())
	text, err := json.Marshal(people(b, n, 1000)) // as it comes from the portal
	if err != nil {
		b.Fatal(err)
	}
	var c portal.Change
	if err := json.Unmarshal(text, &c); err != nil {
		b.Fatal(err)
	}
	mustApply(b, a, c)
	m.mu.Lock()
	m.peers, m.levels = nil, nil // the stand-in's own
	m.mu.Unlock()
	for b.Loop() {
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	stop()
}

// BenchmarkThroughput is one TCP download through the tunnel with 10,000 signatures loaded, against the same tunnel with no table at all.
func BenchmarkThroughput(b *testing.B) {
	const sigs, size = 10_000, 64 << 20
	w := newWorld(b, func(a *gateway.Agent) { a.RepairEvery = time.Hour })
	c := people(b, 2000, sigs)
	for i := range c.Entries {
		c.Entries[i].V4, c.Entries[i].V6 = pool.At(uint32(i)+1000).V4, pool.At(uint32(i)+1000).V6
	}
	for i := range sigs - 2000 { // signatures that no entry names are not kept
		e := person(b, uint32(i)+10_000, sigs)
		e.Signature = portal.SignatureID(fmt.Sprintf("sig%d", i+2000))
		c.Entries = append(c.Entries, e)
	}
	c.Node = nil
	d := w.connect(portal.LevelFull, tomorrow, web())
	w.apply(portal.Change{Entries: c.Entries, Signatures: c.Signatures, Rules: c.Rules})
	l := w.office.Listen(b, "10.1.0.2:80")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = c.Write(make([]byte, size))
				_ = c.Close()
			}()
		}
	}()
	var cpu [2]time.Duration // filtered, bare
	measure := func(which int, pull func() time.Duration) time.Duration {
		before := cpuTime(b)
		defer func() { cpu[which] += cpuTime(b) - before }()
		return pull() + pull()
	}
	pull := func() time.Duration {
		begin := time.Now()
		c, err := d.dial(b.Context(), "10.1.0.2:80")
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if n, err := io.Copy(io.Discard, c); n != size {
			b.Fatalf("%d bytes, %v", n, err)
		}
		return time.Since(begin)
	}
	pull() // handshake and caches
	var filtered, bare time.Duration
	for b.Loop() {
		pull() // after each change of tables the kernel still tidies up
		filtered += measure(0, pull)
		saved := w.gateway.MustRun(b, "nft", "list", "table", "inet", tableName)
		file := filepath.Join(b.TempDir(), "table.nft")
		if err := os.WriteFile(file, []byte(saved), 0o600); err != nil {
			b.Fatal(err)
		}
		w.gateway.MustRun(b, "nft", "delete", "table", "inet", tableName)
		w.gateway.MustRun(b, "nft", "add table inet bare { chain p { type nat hook postrouting priority srcnat; ip saddr 10.8.0.0/16 masquerade; }; }")
		pull()
		bare += measure(1, pull)
		w.gateway.MustRun(b, "nft", "delete", "table", "inet", "bare")
		w.gateway.MustRun(b, "nft", "-f", file)
	}
	mbit := func(d time.Duration) float64 { return 2 * size * 8 * float64(b.N) / d.Seconds() / 1e6 }
	b.ReportMetric(mbit(filtered), "Mbit/s")
	b.ReportMetric(mbit(bare), "Mbit/s-bare")
	b.ReportMetric(mbit(filtered)/mbit(bare), "ratio")
	b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "cpu-ratio") // steadier where the machine is shared
}
