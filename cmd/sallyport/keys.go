package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
)

type keysCmd struct {
	New    newKeyCmd `cmd:"" help:"Make a new master key."`
	Rotate rotateCmd `cmd:"" help:"Seal everything with the newest key again, so that the older ones can go."`
}

type newKeyCmd struct {
	Out string `placeholder:"FILE" help:"Put it first into this file (made with mode 0600), before the keys that it has: they still open what they have sealed. Without it, the key is printed."`
}

// Run makes a key. With a file that has keys already this is the first step of a rotation.
func (c newKeyCmd) Run(e env) error {
	line := newKeyLine(time.Now())
	if c.Out == "" {
		_, err := fmt.Fprintln(e.out, line)
		return err
	}
	old, err := os.ReadFile(c.Out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read master keys: %w", err)
	}
	if err := replacePrivate(c.Out, line+"\n"+string(old)); err != nil {
		return fmt.Errorf("write master key: %w", err)
	}
	_, err = fmt.Fprintf(e.out, "New master key in %s. Keep a copy apart from the database's backups: without it, second factors and the gateways' authority are lost.\n", c.Out)
	return err
}

// replacePrivate writes a file with mode 0600 in one step: a crash leaves the old one or the new one.
func replacePrivate(path, text string) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// newKeyLine is "ID:SECRET"; the id says on which day the key was made.
func newKeyLine(now time.Time) string {
	id := "k" + now.UTC().Format("060102") + "-" + hex.EncodeToString(portal.NewSecret(3))
	return id + ":" + base64.StdEncoding.EncodeToString(portal.NewSecret(seal.KeySize))
}

// parseKeys reads one key a line, the one that seals first.
func parseKeys(text string) (*seal.Keyring, error) {
	var keys []seal.Key
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		id, secret, ok := strings.Cut(strings.TrimSpace(line), ":")
		raw, err := base64.StdEncoding.DecodeString(secret)
		if !ok || err != nil {
			return nil, fmt.Errorf("line %d is not ID:SECRET as `sallyport keys new` makes it", n+1)
		}
		k, err := seal.NewKey(id, raw)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		keys = append(keys, k)
	}
	return seal.NewKeyring(keys...)
}
