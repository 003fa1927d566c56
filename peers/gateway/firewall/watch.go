package firewall

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// watch tells whether anybody else has written to nftables. The kernel counts transactions: as long as it has counted only ours since
// the table was last compared, the table is what we left.
type watch struct {
	conn  *netlink.Conn
	count uint32
	sure  bool // count is known, and nobody else wrote up to it
}

// begin remembers the count from which a comparison starts.
func (w *watch) begin() {
	n, err := w.read()
	w.count, w.sure = n, err == nil
}

// wrote notes one transaction of ours.
func (w *watch) wrote() {
	if !w.sure {
		return
	}
	n, err := w.read()
	next := w.count + 1
	if next == 0 {
		next = 1 // the kernel leaves 0 out
	}
	w.sure = err == nil && n == next
	w.count = n
}

func (w *watch) lose() { w.sure = false }

func (w *watch) untouched() bool {
	if !w.sure {
		return false
	}
	n, err := w.read()
	return err == nil && n == w.count
}

func (w *watch) close() {
	if w.conn != nil {
		_ = w.conn.Close() // nothing was written
		w.conn = nil
	}
}

var errNoCount = errors.New("nftables did not say how many transactions there were")

// read asks for the number of transactions (NFT_MSG_GETGEN).
func (w *watch) read() (uint32, error) {
	if w.conn == nil {
		conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
		if err != nil {
			return 0, err
		}
		w.conn = conn
	}
	replies, err := w.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN, Flags: netlink.Request},
		Data:   []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0},
	})
	if err != nil {
		w.close()
		return 0, err
	}
	for _, m := range replies {
		if len(m.Data) < 4 {
			continue
		}
		attrs, err := netlink.UnmarshalAttributes(m.Data[4:])
		if err != nil {
			return 0, err
		}
		for _, a := range attrs {
			if a.Type == unix.NFTA_GEN_ID && len(a.Data) == 4 {
				return binary.BigEndian.Uint32(a.Data), nil
			}
		}
	}
	return 0, errNoCount
}

// Untouched reports whether nobody but this Filter has written to nftables since the last Sync. A "no" may be wrong, a "yes" is not.
func (f *Filter) Untouched(context.Context) bool { return f.adopted && f.watch.untouched() }
