package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const testKey = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func TestMasterKeyComesFromACommand(t *testing.T) {
	script := filepath.Join(t.TempDir(), "kms")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n[ \"$1\" = decrypt ] && echo '"+testKey+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := parser{}
	if p.keys(rawConfig{MasterKeyCommand: []string{script, "decrypt"}}) == nil || p.err() != nil {
		t.Errorf("no keys: %v", p.err())
	}
	p = parser{}
	if p.keys(rawConfig{MasterKeyCommand: []string{script}, MasterKey: testKey}); p.err() == nil || !strings.Contains(p.err().Error(), "more than one") {
		t.Errorf("two sources: %v", p.err())
	}
}

// What a command says is never shown, whatever is wrong with it.
func TestKeyCommandThatFailsSaysWhyAndNotWhat(t *testing.T) {
	for name, c := range map[string]struct {
		argv []string
		most time.Duration
		want string
	}{
		"exit status":     {[]string{"sh", "-c", "echo " + testKey + "; echo " + testKey + " >&2; exit 3"}, time.Minute, "exit status 3"},
		"no such program": {[]string{"/no/such/program"}, time.Minute, "can't be run"},
		"too much":        {[]string{"sh", "-c", "while :; do echo " + testKey + "; done"}, time.Minute, "more than 64 KiB"},
		"too long":        {[]string{"sh", "-c", "echo " + testKey + "; exec sleep 3600"}, 50 * time.Millisecond, "did not end within"},
		"killed":          {[]string{"sh", "-c", "kill -9 $$"}, time.Minute, "killed"},
	} {
		text, err := runKeyCommand(t.Context(), c.argv, c.most)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), testKey[3:]) || text != "" {
			t.Errorf("%s: got %q, %v; want %q", name, text, err, c.want)
		}
	}
	p := parser{}
	p.keys(rawConfig{MasterKeyCommand: []string{"echo", "k1:c2VjcmV0"}})
	if p.err() == nil || strings.Contains(p.err().Error(), "c2VjcmV0") || strings.Contains(p.err().Error(), "secret") {
		t.Errorf("what is no key: %v", p.err())
	}
}
