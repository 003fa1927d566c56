package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"
)

// demoClient is a WireGuard client in this process, made from a file like any other client.
type demoClient struct {
	dev *device.Device
	net *netstack.Net
}

// wgFile is what a wg-quick file says: "section.key" in lower case → value.
type wgFile map[string]string

func readWGFile(text string) wgFile {
	f, section := wgFile{}, ""
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.ToLower(strings.Trim(line, "[]"))
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			f[section+"."+strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return f
}

func (f wgFile) list(key string) []string {
	var items []string
	for item := range strings.SplitSeq(f[key], ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// newDemoClient starts a client. alsoRoute are prefixes that its owner sends through the tunnel without being told to.
func newDemoClient(text string, alsoRoute ...netip.Prefix) (*demoClient, error) {
	f := readWGFile(text)
	var addresses []netip.Addr
	for _, a := range f.list("interface.address") {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			return nil, fmt.Errorf("address in the file: %w", err)
		}
		addresses = append(addresses, p.Addr())
	}
	mtu := 1420
	if _, err := fmt.Sscan(f["interface.mtu"], &mtu); err != nil && f["interface.mtu"] != "" {
		return nil, fmt.Errorf("MTU in the file: %w", err)
	}
	tun, inside, err := netstack.CreateNetTUN(addresses, nil, mtu)
	if err != nil {
		return nil, fmt.Errorf("make the client's network: %w", err)
	}
	c := &demoClient{device.NewDevice(tun, conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, "")), inside}
	settings, err := f.uapi(alsoRoute)
	if err == nil {
		err = c.dev.IpcSet(settings)
	}
	if err == nil {
		err = c.dev.Up()
	}
	if err != nil {
		c.dev.Close()
		return nil, fmt.Errorf("start the client: %w", err)
	}
	return c, nil
}

// uapi is the file in the form that wireguard-go reads.
func (f wgFile) uapi(alsoRoute []netip.Prefix) (string, error) {
	private, err := hexKey(f["interface.privatekey"])
	if err != nil {
		return "", err
	}
	public, err := hexKey(f["peer.publickey"])
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "private_key=%s\npublic_key=%s\nendpoint=%s\n", private, public, f["peer.endpoint"])
	if k := f["peer.persistentkeepalive"]; k != "" {
		fmt.Fprintf(&b, "persistent_keepalive_interval=%s\n", k)
	}
	for _, p := range f.list("peer.allowedips") {
		fmt.Fprintf(&b, "allowed_ip=%s\n", p)
	}
	for _, p := range alsoRoute {
		fmt.Fprintf(&b, "allowed_ip=%s\n", p)
	}
	return b.String(), nil
}

func hexKey(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 32 {
		return "", fmt.Errorf("the file has no usable key")
	}
	return hex.EncodeToString(b), nil
}

func (c *demoClient) close() { c.dev.Close() }

// http is a browser on the device: every connection goes through the tunnel.
func (c *demoClient) http(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{DialContext: c.dial, DisableKeepAlives: true}}
}

func (c *demoClient) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return c.net.DialContext(ctx, network, address)
}

func (c *demoClient) get(ctx context.Context, url string, timeout time.Duration) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.http(timeout).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return string(b), err
}
