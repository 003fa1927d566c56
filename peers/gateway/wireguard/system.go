package wireguard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// Alias marks an interface as this program's, so that cleaning up takes away no other.
const Alias = "sallyport-gateway"

// ErrForeignInterface says that the name is taken by an interface that this program did not make.
var ErrForeignInterface = errors.New("the interface exists and is not ours")

// batch bounds how many peers one message names.
const batch = 2000

// System is a Tunnel on a network interface of this machine, driven through wgctrl. Fill the fields; Configure makes the interface.
// The kernel's interface outlives the process. One of wireguard-go ends with it.
type System struct {
	Name      string // of the interface, at most 15 bytes
	Key       portal.PrivateKey
	Log       *slog.Logger
	Userspace bool // do not try the kernel

	mu     sync.Mutex
	client *wgctrl.Client
	inside *device.Device // wireguard-go in this process; nil when the kernel does it
	uapi   net.Listener
}

// Configure makes the interface if it is not there, and sets key, port and MTU where they differ.
func (s *System) Configure(ctx context.Context, n portal.Node) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	mtu := n.MTU
	if mtu == 0 {
		mtu = portal.DefaultMTU
	}
	link, err := s.ensure(ctx, mtu)
	if err != nil {
		return err
	}
	dev, err := s.client.Device(s.Name)
	if err != nil {
		return fmt.Errorf("read interface %s: %w", s.Name, err)
	}
	var cfg wgtypes.Config
	if key := wgtypes.Key(s.Key.Bytes()); dev.PrivateKey != key {
		cfg.PrivateKey = &key
	}
	if port := int(n.Port); dev.ListenPort != port {
		cfg.ListenPort = &port
	}
	if cfg.PrivateKey != nil || cfg.ListenPort != nil {
		if err := s.client.ConfigureDevice(s.Name, cfg); err != nil {
			return fmt.Errorf("configure interface %s: %w", s.Name, err)
		}
	}
	if link.Attrs().MTU != mtu {
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return fmt.Errorf("set MTU of %s: %w", s.Name, err)
		}
	}
	if link.Attrs().Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("bring %s up: %w", s.Name, err)
		}
	}
	return nil
}

// ensure returns the interface, made if need be.
func (s *System) ensure(ctx context.Context, mtu int) (netlink.Link, error) {
	link, err := netlink.LinkByName(s.Name)
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing):
		s.closeInside() // somebody deleted its interface
		if link, err = s.create(ctx, mtu); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("look up interface %s: %w", s.Name, err)
	case s.inside == nil && (link.Type() != "wireguard" || link.Attrs().Alias != Alias):
		return nil, fmt.Errorf("%s: %w", s.Name, ErrForeignInterface)
	}
	if s.client == nil {
		if s.client, err = wgctrl.New(); err != nil { // after the kernel has loaded its module
			return nil, fmt.Errorf("open the WireGuard control: %w", err)
		}
	}
	return link, nil
}

func (s *System) create(ctx context.Context, mtu int) (netlink.Link, error) {
	if !s.Userspace {
		err := netlink.LinkAdd(&netlink.Wireguard{LinkAttrs: netlink.LinkAttrs{Name: s.Name, MTU: mtu}})
		if err == nil {
			s.Log.InfoContext(ctx, "made a WireGuard interface in the kernel", "interface", s.Name)
			return s.own()
		}
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOTSUP) {
			return nil, fmt.Errorf("make interface %s: %w", s.Name, err)
		}
	}
	if err := s.startInside(mtu); err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "made a WireGuard interface in this process", "interface", s.Name)
	return s.own()
}

func (s *System) own() (netlink.Link, error) {
	link, err := netlink.LinkByName(s.Name)
	if err != nil {
		return nil, fmt.Errorf("look up interface %s: %w", s.Name, err)
	}
	if err := netlink.LinkSetAlias(link, Alias); err != nil {
		return nil, fmt.Errorf("mark interface %s: %w", s.Name, err)
	}
	return link, nil
}

// startInside runs wireguard-go over a TUN device, with the control socket that wgctrl and wg(8) look for.
func (s *System) startInside(mtu int) error {
	t, err := tun.CreateTUN(s.Name, mtu)
	if err != nil {
		return fmt.Errorf("make TUN device %s: %w", s.Name, err)
	}
	dev := device.NewDevice(t, conn.NewDefaultBind(), logger(s.Log))
	file, err := ipc.UAPIOpen(s.Name)
	if err != nil {
		dev.Close()
		return fmt.Errorf("open the control socket of %s: %w", s.Name, err)
	}
	uapi, err := ipc.UAPIListen(s.Name, file)
	if err != nil {
		dev.Close()
		return errors.Join(fmt.Errorf("listen on the control socket of %s: %w", s.Name, err), file.Close())
	}
	go func() {
		for {
			c, err := uapi.Accept()
			if err != nil {
				return // closed
			}
			go dev.IpcHandle(c)
		}
	}()
	s.inside, s.uapi = dev, uapi
	return nil
}

// Remove takes peers away.
func (s *System) Remove(_ context.Context, keys []portal.PublicKey) error {
	peers := make([]wgtypes.PeerConfig, len(keys))
	for i, k := range keys {
		peers[i] = wgtypes.PeerConfig{PublicKey: wgtypes.Key(k), Remove: true, UpdateOnly: true}
	}
	return s.configure(peers)
}

// Put adds peers or gives them other addresses.
func (s *System) Put(_ context.Context, entries []portal.Entry) error {
	peers := make([]wgtypes.PeerConfig, len(entries))
	for i, e := range entries {
		peers[i] = wgtypes.PeerConfig{PublicKey: wgtypes.Key(e.PublicKey), ReplaceAllowedIPs: true, AllowedIPs: ipNets(allowedIPs(e))}
	}
	return s.configure(peers)
}

func (s *System) configure(peers []wgtypes.PeerConfig) error {
	client, _ := s.parts()
	if client == nil {
		return fmt.Errorf("interface %s: %w", s.Name, os.ErrNotExist)
	}
	for len(peers) > 0 {
		n := min(len(peers), batch)
		if err := client.ConfigureDevice(s.Name, wgtypes.Config{Peers: peers[:n]}); err != nil {
			return fmt.Errorf("configure %d peers of %s: %w", n, s.Name, err)
		}
		peers = peers[n:]
	}
	return nil
}

// Sync makes the peers exactly those of entries.
func (s *System) Sync(ctx context.Context, entries map[portal.EntryKey]portal.Entry) (int, error) {
	have, err := s.have()
	if err != nil {
		return 0, err
	}
	remove, put := diff(have, entries)
	if err := s.Remove(ctx, remove); err != nil {
		return 0, err
	}
	return len(remove) + len(put), s.Put(ctx, put)
}

// Live lists what the interface knows of each peer. Before Configure there are none.
func (s *System) Live(context.Context) ([]gateway.Peer, error) {
	if client, _ := s.parts(); client == nil {
		return nil, nil
	}
	have, err := s.have()
	return live(have), err
}

// have asks wireguard-go directly when it runs in this process: over the socket a reader of many peers holds changes up.
func (s *System) have() ([]peerState, error) {
	client, inside := s.parts()
	if inside != nil {
		return dump(inside)
	}
	if client == nil {
		return nil, fmt.Errorf("interface %s: %w", s.Name, os.ErrNotExist)
	}
	dev, err := client.Device(s.Name)
	if err != nil {
		return nil, fmt.Errorf("read interface %s: %w", s.Name, err)
	}
	out := make([]peerState, len(dev.Peers))
	for i, p := range dev.Peers {
		out[i] = peerState{Peer: gateway.Peer{Key: portal.PublicKey(p.PublicKey), Rx: uint64(p.ReceiveBytes), Tx: uint64(p.TransmitBytes)}}
		if p.Endpoint != nil {
			a := p.Endpoint.AddrPort()
			out[i].Endpoint = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		}
		if p.LastHandshakeTime.Unix() > 0 {
			out[i].Handshake = p.LastHandshakeTime.UTC()
		}
		for _, a := range p.AllowedIPs {
			addr, _ := netip.AddrFromSlice(a.IP)
			ones, _ := a.Mask.Size()
			out[i].allowed = append(out[i].allowed, netip.PrefixFrom(addr.Unmap(), ones))
		}
	}
	return out, nil
}

func (s *System) parts() (*wgctrl.Client, *device.Device) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client, s.inside
}

// Close lets go of the interface. The kernel's stays and goes on serving; wireguard-go's ends here.
func (s *System) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeInside()
	if s.client == nil {
		return nil
	}
	err := s.client.Close()
	s.client = nil
	return err
}

func (s *System) closeInside() {
	if s.inside == nil {
		return
	}
	if err := s.uapi.Close(); err != nil {
		s.Log.Warn("close the control socket", "interface", s.Name, "err", err)
	}
	s.inside.Close()
	s.inside, s.uapi = nil, nil
}

// Cleanup deletes the interface if this program made it. One that is not there is no error.
func Cleanup(name string) error {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing):
		return nil
	case err != nil:
		return fmt.Errorf("look up interface %s: %w", name, err)
	case link.Attrs().Alias != Alias:
		return fmt.Errorf("%s: %w", name, ErrForeignInterface)
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("delete interface %s: %w", name, err)
	}
	return nil
}

func ipNets(prefixes []netip.Prefix) []net.IPNet {
	out := make([]net.IPNet, len(prefixes))
	for i, p := range prefixes {
		out[i] = net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	}
	return out
}
