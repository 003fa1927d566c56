package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

const (
	credentialsName = "credentials.json"
	keyName         = "wireguard.key"
)

// enrolOnly enrols and says so, for installations that start the service by other means.
func enrolOnly(ctx context.Context, cfg Config, stdout io.Writer) error {
	if cfg.Token.IsZero() {
		return errors.New("enrol: --portal and --token are needed")
	}
	_, creds, err := identity(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Enrolled as gateway %s. The service can be started.\n", creds.Gateway)
	return err
}

// identity is the node's own keys and its certificate. The keys are made here, once, and never leave; a node that has no certificate yet
// enrols. With a certificate the token is not looked at, so that the same command line serves for every start.
func identity(ctx context.Context, cfg Config, log *slog.Logger) (portal.PrivateKey, feed.Credentials, error) {
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return portal.PrivateKey{}, feed.Credentials{}, fmt.Errorf("state folder: %w", err)
	}
	key, err := loadKey(filepath.Join(cfg.StateDir, keyName))
	if err != nil {
		return key, feed.Credentials{}, err
	}
	path := filepath.Join(cfg.StateDir, credentialsName)
	creds, err := feed.ReadCredentials(path)
	if err == nil {
		return key, creds, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return key, creds, err
	}
	if cfg.Token.IsZero() {
		return key, creds, fmt.Errorf("this node is not enrolled: create a gateway in the portal and run the command that it shows (%w)", err)
	}
	creds, err = feed.Enrol(ctx, feed.EnrolRequest{Portal: cfg.Portal, Token: cfg.Token, PublicKey: key.Public(), Version: Version})
	if err != nil {
		return key, creds, err
	}
	if err := creds.WriteFile(path); err != nil {
		return key, creds, err
	}
	log.InfoContext(ctx, "enrolled", "gateway", creds.Gateway)
	return key, creds, nil
}

// loadKey reads the node's WireGuard key, and makes it when there is none.
func loadKey(path string) (portal.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		key, err := portal.ParsePrivateKey(strings.TrimSpace(string(b)))
		if err != nil {
			return key, fmt.Errorf("%s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return portal.PrivateKey{}, fmt.Errorf("read the WireGuard key: %w", err)
	}
	key, err := portal.NewPrivateKey()
	if err != nil {
		return key, err
	}
	return key, gateway.WriteFile(path, []byte(key.Reveal()+"\n"))
}
