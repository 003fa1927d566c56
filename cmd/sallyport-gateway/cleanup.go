package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
)

// cleanup takes away what this program put into the machine: its table, its interfaces with their addresses and routes, and the openvpn that it left running. Keys and state
// stay on disk; switches of the kernel stay as they are, because others may rely on them by now.
func cleanup(ctx context.Context, cfg Config, stdout io.Writer) error {
	cfg.OpenVPN = OpenVPNConfig{UDP: 1, TCP: 1} // both, whatever was served
	second := secondTunnel(cfg, slog.New(slog.DiscardHandler))
	if err := errors.Join(second.Cleanup(ctx), firewall.Cleanup(cfg.Table), wireguard.Cleanup(cfg.Interface)); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	_, err := fmt.Fprintf(stdout, "Removed table inet %s and interface %s.\n", cfg.Table, cfg.Interface)
	return err
}
