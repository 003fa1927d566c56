package world

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestAStockTunnelWorksInThisWorld proves the world itself, with WireGuard configured by hand and nothing of ours, so that a failure
// elsewhere is not the world's.
func TestAStockTunnelWorksInThisWorld(t *testing.T) {
	needRoot(t)
	w := New(t)
	ServeWeb(t, w.Office)
	ServeWeb(t, w.Net)
	server, client := keys(t, w), keys(t, w)
	w.Gateway.Run(t, w.Program("wireguard-go"), "wg9")
	w.Gateway.Run(t, "wg", "set", "wg9", "listen-port", "51820", "private-key", w.File("server.key", server.private),
		"peer", client.public, "allowed-ips", "100.96.0.4/32,fd5a::4/128")
	w.address(w.Gateway, "wg9", "100.96.0.1/16", "fd5a::1/64")
	w.Gateway.Run(t, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	w.Gateway.Run(t, "nft", "add table inet hand; add chain inet hand post { type nat hook postrouting priority 100; }; add rule inet hand post oifname inner masquerade")

	file := w.File("split.conf", fmt.Sprintf("[Interface]\nPrivateKey = %s\nAddress = 100.96.0.4/32, fd5a::4/128\nDNS = 10.20.0.53, corp.example\nMTU = 1420\n"+
		"[Peer]\nPublicKey = %s\nEndpoint = %s:51820\nAllowedIPs = %s, %s\n", client.private, server.public, GatewayV4, OfficeNetV4, OfficeNetV6))
	tun := w.Up(w.Client, file)
	if !w.Client.Ping(OfficeV4) || !w.Client.Ping(OfficeV6) {
		t.Fatal("the office does not answer")
	}
	from, err := w.Client.Get(t.Context(), "http://"+OfficeV4+"/")
	if err != nil || from != "10.20.0.1" {
		t.Fatalf("the office saw %q, %v", from, err)
	}
	if from, err = w.Client.Get(t.Context(), "http://["+ElsewhereV6+"]/"); err != nil || from != "2001:db8:1::10" {
		t.Fatalf("elsewhere saw %q, %v", from, err)
	}
	if got := tun.Resolv(t); !strings.Contains(got, "nameserver 10.20.0.53") || !strings.Contains(got, "search corp.example") {
		t.Fatalf("resolvconf got %q", got)
	}
	d := w.Client.StartDownload(t, OfficeV4)
	<-d.Got
	w.Gateway.Run(t, "wg", "set", "wg9", "peer", client.public, "remove")
	if _, err := d.LastByte(t.Context(), 500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	tun.Down(t)
	if w.Client.Reaches(OfficeV4, 300*time.Millisecond) {
		t.Fatal("the office answers without a tunnel")
	}
}

type pair struct{ private, public string }

func keys(t *testing.T, w *World) pair {
	private := strings.TrimSpace(w.Client.Run(t, "wg", "genkey"))
	public := strings.TrimSpace(w.Client.Run(t, "sh", "-c", "echo '"+private+"' | wg pubkey"))
	return pair{private, public}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
}
