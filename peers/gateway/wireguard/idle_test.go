package wireguard_test

import (
	"os"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
)

// idle is a packet device on which nothing happens.
type idle struct {
	once sync.Once
	stop chan struct{}
}

func (d *idle) File() *os.File           { return nil }
func (d *idle) MTU() (int, error)        { return 1420, nil }
func (d *idle) Name() (string, error)    { return "idle", nil }
func (d *idle) Events() <-chan tun.Event { return nil }
func (d *idle) BatchSize() int           { return 1 }

func (d *idle) Read([][]byte, []int, int) (int, error) {
	<-d.stop
	return 0, os.ErrClosed
}

func (d *idle) Write(b [][]byte, _ int) (int, error) { return len(b), nil }

func (d *idle) Close() error {
	d.once.Do(func() { close(d.stop) })
	return nil
}
