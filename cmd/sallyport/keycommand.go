package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// The bounds on a command that gives the master keys.
const (
	keyCommandTime = 30 * time.Second
	maxKeyOutput   = 64 << 10 // bytes
)

// keyCommandWait is how long a command that was ended may keep its output open.
const keyCommandWait = 2 * time.Second

// errOutput says that a command wrote more than keys are.
var errOutput = errors.New("it wrote more than 64 KiB")

// runKeyCommand runs a program without a shell, such as a client of a key management service, and returns what it wrote to its standard output.
// Neither that nor what it wrote to standard error is ever in an error: both may hold keys.
func runKeyCommand(ctx context.Context, argv []string, most time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	out := &bounded{left: maxKeyOutput, stop: cancel}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.WaitDelay = out, keyCommandWait
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case out.over:
		return "", errOutput
	case ctx.Err() != nil:
		return "", fmt.Errorf("it did not end within %v", most)
	case errors.As(err, &exit):
		return "", fmt.Errorf("it ended with %v", exit.ProcessState)
	case err != nil:
		return "", fmt.Errorf("it can't be run: %w", err)
	}
	return out.kept.String(), nil
}

// bounded keeps up to left bytes and refuses more, and then ends the program that writes them.
type bounded struct {
	kept bytes.Buffer // a field: embedded, io.Copy would go around Write
	left int
	over bool
	stop func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.over = true
		b.stop()
		return 0, errOutput
	}
	b.left -= len(p)
	return b.kept.Write(p)
}
