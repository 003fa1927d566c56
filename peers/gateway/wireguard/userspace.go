package wireguard

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// Userspace is a Tunnel on a wireguard-go device over any packet device. It needs no root when neither the packet device nor the port does.
type Userspace struct {
	key  portal.PrivateKey
	dev  *device.Device
	once sync.Once
}

// NewUserspace starts a device over tun that sends and receives through bind. It listens from Configure on. Close ends it and closes tun.
func NewUserspace(tun tun.Device, bind conn.Bind, key portal.PrivateKey, log *slog.Logger) *Userspace {
	return &Userspace{key: key, dev: device.NewDevice(tun, bind, logger(log))}
}

// Configure sets key and port and brings the device up.
func (u *Userspace) Configure(_ context.Context, n portal.Node) error {
	if err := setKeyAndPort(u.dev, u.key, n.Port); err != nil {
		return err
	}
	if err := u.dev.Up(); err != nil {
		return fmt.Errorf("bring the device up: %w", err)
	}
	return nil
}

// Remove takes peers away.
func (u *Userspace) Remove(_ context.Context, keys []portal.PublicKey) error {
	var b []byte
	for _, k := range keys {
		b = appendRemove(b, k)
	}
	return ipcSet(u.dev, b)
}

// Put adds peers or gives them other addresses.
func (u *Userspace) Put(_ context.Context, entries []portal.Entry) error {
	var b []byte
	for _, e := range entries {
		b = appendPut(b, e)
	}
	return ipcSet(u.dev, b)
}

// Sync makes the peers exactly those of entries.
func (u *Userspace) Sync(ctx context.Context, entries map[portal.EntryKey]portal.Entry) (int, error) {
	have, err := dump(u.dev)
	if err != nil {
		return 0, err
	}
	remove, put := diff(have, entries)
	if err := u.Remove(ctx, remove); err != nil {
		return 0, err
	}
	return len(remove) + len(put), u.Put(ctx, put)
}

// Live lists what the device knows of each peer.
func (u *Userspace) Live(context.Context) ([]gateway.Peer, error) {
	have, err := dump(u.dev)
	return live(have), err
}

// Close ends the device.
func (u *Userspace) Close() { u.once.Do(u.dev.Close) }

func live(have []peerState) []gateway.Peer {
	out := make([]gateway.Peer, len(have))
	for i, p := range have {
		out[i] = p.Peer
	}
	return out
}

func ipcSet(dev *device.Device, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := dev.IpcSetOperation(bytes.NewReader(b)); err != nil {
		return fmt.Errorf("configure the device: %w", err)
	}
	return nil
}

// setKeyAndPort changes them only when they differ, because a new port closes the socket and a new key ends every session.
func setKeyAndPort(dev *device.Device, key portal.PrivateKey, port uint16) error {
	var now bytes.Buffer
	if err := dev.IpcGetOperation(&now); err != nil {
		return fmt.Errorf("read the device: %w", err)
	}
	raw := key.Bytes()
	var b []byte
	for _, line := range []string{"private_key=" + hex.EncodeToString(raw[:]), fmt.Sprintf("listen_port=%d", port)} {
		if !bytes.Contains(now.Bytes(), []byte(line+"\n")) {
			b = append(b, line+"\n"...)
		}
	}
	return ipcSet(dev, b)
}

// logger passes on what wireguard-go calls errors. What it calls verbose names every handshake and would drown the rest.
func logger(log *slog.Logger) *device.Logger {
	return &device.Logger{
		Verbosef: device.DiscardLogf,
		Errorf:   func(format string, args ...any) { log.Warn("wireguard-go", "message", fmt.Sprintf(format, args...)) },
	}
}
