package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// SQLite makes a commit durable with a sync of the disk, and has one writer. So writers that wait for one another share a commit: each
// runs in a savepoint of its own inside the transaction of the group, and is told of success only after the commit of all. One that
// fails undoes its own savepoint and nothing else. A writer that nobody waits for commits at once.
type groupCommit struct {
	writer *writer       // used by who holds turn
	open   time.Duration // how long a group takes in writers; groupTime

	waiting atomic.Int64 // writers that are about to take turn, and will
	turn    sync.Mutex   // held by the writer that runs, and while it commits
	group   *group       // open, nil when the next writer begins one; guarded by turn
}

// The bounds of a group, so that the first writer in it does not wait for long.
const (
	groupMost = 64
	groupTime = 10 * time.Millisecond
)

// group is one transaction of SQLite that several writers share.
type group struct {
	began time.Time
	n     int
	lost  error         // SQLite has undone the whole transaction by itself: disk full, I/O error
	done  chan struct{} // closed once err is set
	err   error         // of the commit
}

// run gives fn a savepoint in a group and returns after that group's commit. A panic in fn undoes its savepoint and goes on.
func (g *groupCommit) run(ctx context.Context, fn func(db *gorm.DB) error) error {
	g.waiting.Add(1)
	g.turn.Lock()
	g.waiting.Add(-1)
	joined, err := g.step(ctx, fn)
	if joined == nil {
		return err
	}
	<-joined.done
	if err == nil {
		err = joined.err
	}
	return err
}

// step is what a writer does in its turn. It gives the turn on, also when fn panics.
func (g *groupCommit) step(ctx context.Context, fn func(db *gorm.DB) error) (joined *group, err error) {
	defer g.turn.Unlock()
	if err := ctx.Err(); err != nil {
		g.endIfLast()
		return nil, err
	}
	if g.group == nil {
		if err := g.begin(); err != nil {
			return nil, err
		}
	}
	joined = g.group
	joined.n++
	defer g.endIfLast()
	return joined, g.savepoint(ctx, fn)
}

func (g *groupCommit) begin() error {
	// The transaction and its statements outlive any one writer's context: an interrupted statement would undo the work of all.
	if err := g.writer.begin(context.Background()); err != nil {
		return err
	}
	g.group = &group{began: time.Now(), done: make(chan struct{})}
	return nil
}

// endIfLast commits the group unless another writer will take the next turn and there is room for it.
func (g *groupCommit) endIfLast() {
	last := g.group
	if last == nil || last.lost == nil && g.waiting.Load() > 0 && last.n < groupMost && time.Since(last.began) < g.open {
		return
	}
	g.group = nil
	if last.err = last.lost; last.err == nil {
		last.err = g.writer.end(context.Background(), "COMMIT")
	} else {
		g.writer.close() // there may be nothing left to undo, and there must not be
	}
	close(last.done)
}

// savepoint runs fn so that it is undone alone when it fails.
func (g *groupCommit) savepoint(ctx context.Context, fn func(db *gorm.DB) error) (err error) {
	db := g.writer.session(context.WithoutCancel(ctx))
	if err := db.Exec("SAVEPOINT writer").Error; err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	ok := false
	defer func() {
		if ok {
			return
		}
		if undo := errors.Join(db.Exec("ROLLBACK TO writer").Error, db.Exec("RELEASE writer").Error); undo != nil {
			g.group.lost = fmt.Errorf("undo: %w", undo)
		}
	}()
	if err := fn(db); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.Exec("RELEASE writer").Error; err != nil {
		return fmt.Errorf("end: %w", err)
	}
	ok = true
	return nil
}

// close waits for the writer that runs and gives the connection up. Those who wait for a commit that will not be are told.
func (g *groupCommit) close() {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.writer.close()
	if open := g.group; open != nil {
		g.group, open.err = nil, errClosed
		close(open.done)
	}
}

var errClosed = errors.New("the database was closed")
