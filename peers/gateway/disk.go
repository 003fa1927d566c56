package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// The folder holds a snapshot, the changes after it in numbered logs, and when the portal was last heard of. A change appends one line
// to the newest log; when the logs outgrow the snapshot, a new log is begun and a new snapshot written beside, so a change costs
// what it says and not what is held. Each line is the CRC-32C of a JSON text, a space, and the text.
const (
	snapshotName = "state.json"
	logName      = "changes.%d.log"
	contactName  = "contact"
	lockName     = "lock"
	minCompact   = 1 << 20 // bytes of log below which a new snapshot is not worth it
)

// ErrDirInUse says that another agent runs on the same folder.
var ErrDirInUse = errors.New("the state folder is in use by another gateway agent")

type disk struct {
	dir      string
	log      *slog.Logger
	lock     *os.File
	file     *os.File // the newest log
	number   uint64   // of file
	size     int64    // of the logs that the snapshot does not hold
	snapSize int64
	writing  sync.WaitGroup // a snapshot being written
	busy     chan struct{}  // holds a token while one is
	result   chan snapshotDone
}

// snapshot is the first file: everything up to the beginning of log number Log.
type snapshot struct {
	Log    uint64        `json:"log"`
	Change portal.Change `json:"change"`
}

type snapshotDone struct {
	size int64
	err  error
}

func openDisk(dir string, log *slog.Logger) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, ErrDirInUse), lock.Close())
	}
	return &disk{dir: dir, log: log, lock: lock, busy: make(chan struct{}, 1), result: make(chan snapshotDone, 1)}, nil
}

// load calls apply with the snapshot and then with each change after it. A line that was not written whole ends its log: it was never
// acknowledged, so the portal sends it again.
func (d *disk) load(apply func(portal.Change)) error {
	var snap snapshot
	b, err := os.ReadFile(filepath.Join(d.dir, snapshotName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read the last state: %w", err)
	default:
		text, ok := unframe(bytes.TrimSuffix(b, []byte("\n")))
		if !ok || json.Unmarshal(text, &snap) != nil {
			// Without a good base the logs mean nothing. The portal sends everything again.
			d.log.Error("the last state on disk is damaged and is left aside", "file", snapshotName)
			if err := os.Rename(filepath.Join(d.dir, snapshotName), filepath.Join(d.dir, snapshotName+".damaged")); err != nil {
				return fmt.Errorf("set the damaged state aside: %w", err)
			}
			d.removeLogs()
			return d.begin(0, true)
		}
		apply(snap.Change)
		d.snapSize = int64(len(b))
	}
	d.number = snap.Log
	for n := snap.Log; ; n++ {
		good, err := d.loadLog(n, apply)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		d.number = n
		d.size += good
	}
	return d.begin(d.number, false)
}

func (d *disk) loadLog(n uint64, apply func(portal.Change)) (good int64, err error) {
	f, err := os.OpenFile(d.logPath(n), os.O_RDWR, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := bufio.NewReaderSize(f, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return good, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return good, fmt.Errorf("read the change log: %w", err)
		}
		var c portal.Change
		text, ok := unframe(bytes.TrimSuffix(line, []byte("\n")))
		if !ok || err != nil || json.Unmarshal(text, &c) != nil {
			d.log.Warn("the change log ends in a line that was not written whole", "log", n, "at", good)
			return good, f.Truncate(good)
		}
		apply(c)
		good += int64(len(line))
	}
}

func (d *disk) removeLogs() {
	names, _ := filepath.Glob(filepath.Join(d.dir, "changes.*.log")) // the pattern is well formed
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			d.log.Error("remove a change log that has lost its base", "err", err)
		}
	}
}

// begin opens log n for appending; fresh says that what came before is not needed.
func (d *disk) begin(n uint64, fresh bool) error {
	f, err := os.OpenFile(d.logPath(n), os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("open the change log: %w", err)
	}
	if d.file != nil {
		if err := d.file.Close(); err != nil {
			return errors.Join(fmt.Errorf("close the change log: %w", err), f.Close())
		}
	}
	d.file, d.number = f, n
	if fresh {
		d.size = 0
	}
	return syncDir(d.dir)
}

// append keeps the changes of a batch and returns when they would outlive a power failure. Now and then it starts a new snapshot of all.
func (d *disk) append(batch []*work, all portal.Desired) error {
	if len(batch) == 0 {
		return nil
	}
	var b []byte
	full, content := false, false
	for _, w := range batch {
		text, err := json.Marshal(w.change)
		if err != nil {
			return fmt.Errorf("encode revision %d: %w", w.change.Revision, err)
		}
		b = frame(b, text)
		full = full || w.change.Full
		content = content || !positionOnly(w.change)
	}
	if _, err := d.file.Write(b); err != nil {
		return fmt.Errorf("write the change log: %w", err)
	}
	if content {
		if err := d.file.Sync(); err != nil {
			return fmt.Errorf("sync the change log: %w", err)
		}
	}
	d.size += int64(len(b))
	d.reap()
	if full || d.size > max(minCompact, 2*d.snapSize) {
		return d.compact(all)
	}
	return nil
}

// positionOnly reports whether c says only where the portal's log stands. Losing that costs a longer resume and no right.
func positionOnly(c portal.Change) bool {
	return !c.Full && c.Node == nil && len(c.Entries)+len(c.Gone)+len(c.Signatures)+len(c.Rules)+len(c.GoneRules) == 0
}

// reap learns of a snapshot that has been written in the meantime.
func (d *disk) reap() {
	select {
	case r := <-d.result:
		if r.err != nil {
			d.log.Error("write the state to disk", "err", r.err)
			return
		}
		d.snapSize = r.size
	default:
	}
}

// compact begins a new log and writes a snapshot of what came before it, in the background.
func (d *disk) compact(all portal.Desired) error {
	select {
	case d.busy <- struct{}{}:
	default:
		return nil // one is being written
	}
	if err := d.begin(d.number+1, true); err != nil {
		<-d.busy
		return err
	}
	snap := snapshot{Log: d.number, Change: wholeOf(all)}
	d.writing.Add(1)
	go func() {
		defer d.writing.Done()
		size, err := d.writeSnapshot(snap)
		<-d.busy
		select {
		case <-d.result: // nobody asked for the one before
		default:
		}
		d.result <- snapshotDone{size, err}
	}()
	return nil
}

func (d *disk) writeSnapshot(s snapshot) (int64, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return 0, fmt.Errorf("encode the state: %w", err)
	}
	if err := WriteFile(filepath.Join(d.dir, snapshotName), frameHead(text), text, []byte("\n")); err != nil {
		return 0, err
	}
	for n := s.Log; n > 0; n-- {
		if err := os.Remove(d.logPath(n - 1)); err != nil {
			break // older ones went with an earlier snapshot
		}
	}
	return int64(len(text)), nil
}

// wholeOf is the change that gives all to an empty state.
func wholeOf(all portal.Desired) portal.Change {
	node := all.Node
	c := portal.Change{Revision: all.Revision, Full: true, Node: &node}
	c.Entries = make([]portal.Entry, 0, len(all.Entries))
	for _, e := range all.Entries {
		c.Entries = append(c.Entries, e)
	}
	for _, g := range all.Signatures {
		c.Signatures = append(c.Signatures, g)
	}
	for _, r := range all.Rules {
		c.Rules = append(c.Rules, r)
	}
	return c
}

func (d *disk) noteContact(at time.Time) {
	if err := WriteFile(filepath.Join(d.dir, contactName), []byte(strconv.FormatInt(at.Unix(), 10)+"\n")); err != nil {
		d.log.Error("note when the portal was heard of", "err", err)
	}
}

// contact is when the portal was last heard of, to the minute; zero: never.
func (d *disk) contact() time.Time {
	b, err := os.ReadFile(filepath.Join(d.dir, contactName))
	if err != nil {
		return time.Time{}
	}
	s, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func (d *disk) close() error {
	d.writing.Wait()
	var err error
	if d.file != nil {
		err = d.file.Close()
	}
	return errors.Join(err, d.lock.Close())
}

func (d *disk) logPath(n uint64) string { return filepath.Join(d.dir, fmt.Sprintf(logName, n)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frame(b, text []byte) []byte {
	b = append(b, frameHead(text)...)
	b = append(b, text...)
	return append(b, '\n')
}

func frameHead(text []byte) []byte {
	return fmt.Appendf(nil, "%08x ", crc32.Checksum(text, castagnoli))
}

func unframe(line []byte) (text []byte, ok bool) {
	if len(line) < 9 || line[8] != ' ' {
		return nil, false
	}
	sum, err := strconv.ParseUint(string(line[:8]), 16, 32)
	return line[9:], err == nil && uint32(sum) == crc32.Checksum(line[9:], castagnoli)
}

// WriteFile puts the parts into the file at path with mode 0600, whole or not at all, also across a power failure.
func WriteFile(path string, parts ...[]byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	for _, b := range parts {
		if err == nil {
			_, err = f.Write(b)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
