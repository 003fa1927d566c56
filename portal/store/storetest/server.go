package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"syscall"
	"time"
)

// startServer starts PostgreSQL on loopback in a temporary folder, as user postgres where the test runs as root (the server refuses
// root). The kernel ends it when the test process ends, however that happens, and a watcher removes the folder.
func startServer() (string, error) {
	bin, err := serverBin()
	if err != nil {
		return "", err
	}
	cred, err := serverUser()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "sallyport-pg-")
	if err != nil {
		return "", err
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return "", err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "sallyport", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.SysProcAttr, initdb.Dir = &syscall.SysProcAttr{Credential: cred}, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := runServer(bin, dir, port, cred); err != nil {
		return "", err
	}
	return localDSN(port), nil
}

// runServer returns when the server takes statements. Pdeathsig follows the thread that started the child, so that thread is kept.
func runServer(bin, dir string, port int, cred *syscall.Credential) error {
	ready := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		var log bytes.Buffer
		cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, "-h", "127.0.0.1", "-p", strconv.Itoa(port),
			"-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "fsync=off", "-c", "full_page_writes=off")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGQUIT}
		cmd.Dir, cmd.Stderr, cmd.Stdout = dir, &log, &log
		if err := cmd.Start(); err != nil {
			ready <- err
			return
		}
		removeAfter(os.Getpid(), dir)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		ready <- awaitServer(port, ended, &log)
		select {} // keep the thread, and with it the server, until the process ends
	}()
	return <-ready
}

func awaitServer(port int, ended <-chan error, log *bytes.Buffer) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("postgres ended: %w: %s", err, log.String())
		case <-deadline:
			return errors.New("postgres did not answer within 30 s")
		case <-tick.C:
			if answers(port) {
				return nil
			}
		}
	}
}

// answers reports whether the server takes statements; it accepts connections a little earlier.
func answers(port int) bool {
	db, err := sql.Open("pgx", localDSN(port))
	if err != nil {
		return false
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return db.PingContext(ctx) == nil
}

func localDSN(port int) string {
	return fmt.Sprintf("postgres://sallyport@127.0.0.1:%d/postgres?sslmode=disable", port)
}

// removeAfter removes dir once process pid is gone: a test binary has no moment of its own for that.
func removeAfter(pid int, dir string) {
	sweep := exec.Command("sh", "-c", `while kill -0 "$1" 2>/dev/null; do sleep 1; done; sleep 1; rm -rf "$2"`, "sh", strconv.Itoa(pid), dir)
	sweep.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := sweep.Start(); err == nil {
		go func() { _ = sweep.Wait() }()
	}
}

func serverBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("no PostgreSQL server under /usr/lib/postgresql")
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func serverUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
