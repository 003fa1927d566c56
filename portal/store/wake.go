package store

import "sync"

// wake tells any number of waiters that something was committed.
type wake struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{}
}

func newWake() *wake { return &wake{subs: map[chan struct{}]struct{}{}} }

func (w *wake) subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subs[ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subs, ch)
	}
}

func (w *wake) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.subs {
		select {
		case ch <- struct{}{}:
		default: // it has a wake-up waiting already
		}
	}
}
