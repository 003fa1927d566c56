package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
)

// cleanup takes away what this program put into the machine: its table, its interface, and with it addresses and routes. Keys and state
// stay on disk; switches of the kernel stay as they are, because others may rely on them by now.
func cleanup(cfg Config, stdout io.Writer) error {
	if err := errors.Join(firewall.Cleanup(cfg.Table), wireguard.Cleanup(cfg.Interface)); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	_, err := fmt.Fprintf(stdout, "Removed table inet %s and interface %s.\n", cfg.Table, cfg.Interface)
	return err
}
