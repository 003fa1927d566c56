package api

import (
	"sync"

	"github.com/sallyport/sallyport/portal"
)

// notice is a reason to look: which kind of thing changed, and which one; no id means any of them.
type notice struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
}

// The kinds of notice, as the contract names them.
const (
	kindDevice  = "device"
	kindGateway = "gateway"
	kindPerson  = "person"
	kindProfile = "profile"
	kindRule    = "rule"
	kindRequest = "request"
	kindSession = "session"
	kindAudit   = "audit"
)

// audience says who hears of a notice: the person whom it is about, and those who may look at such things anyway.
type audience struct {
	everyone bool
	user     portal.UserID // "": nobody's own
	right    portal.Right  // "": nobody else
}

// broker hands notices to those who listen.
type broker struct {
	mu      sync.Mutex
	subs    map[*subscriber]struct{}
	perUser map[portal.UserID]int
}

func newBroker() *broker {
	return &broker{subs: map[*subscriber]struct{}{}, perUser: map[portal.UserID]int{}}
}

// subscriber is one stream. Notices wait in a bounded set; when it is full they are dropped for a reset, which means: look at all again.
type subscriber struct {
	user  portal.UserID
	role  portal.Role
	ready chan struct{} // holds one wake-up

	mu      sync.Mutex
	waiting []notice
	known   map[notice]bool
	reset   bool
	check   bool // the person or a session changed: is this one still good?
}

// maxWaiting bounds the notices that wait for one stream. Who is further behind is quicker to look at all.
const maxWaiting = 64

// maxStreams bounds the streams of one person: some tabs on some machines.
const maxStreams = 20

// subscribe returns nil when the person has too many streams already.
func (b *broker) subscribe(user portal.UserID, role portal.Role) *subscriber {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.perUser[user] >= maxStreams {
		return nil
	}
	b.perUser[user]++
	s := &subscriber{user: user, role: role, ready: make(chan struct{}, 1), known: map[notice]bool{}}
	b.subs[s] = struct{}{}
	return s
}

func (b *broker) unsubscribe(s *subscriber) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs, s)
	if b.perUser[s.user]--; b.perUser[s.user] <= 0 {
		delete(b.perUser, s.user)
	}
}

// tell hands n to its audience.
func (b *broker) tell(n notice, to audience) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		if mine := s.user == to.user; mine || to.everyone || s.role.May(to.right) {
			s.put(n, mine && (n.Kind == kindSession || n.Kind == kindPerson))
		}
	}
}

// users are the people who listen.
func (b *broker) users() []portal.UserID {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]portal.UserID, 0, len(b.perUser))
	for u := range b.perUser {
		all = append(all, u)
	}
	return all
}

// resetAll makes every listener look at all again.
func (b *broker) resetAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.overflow()
	}
}

func (s *subscriber) put(n notice, check bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.check = s.check || check
	switch {
	case s.reset || s.known[n]:
	case len(s.waiting) == maxWaiting:
		s.reset, s.waiting, s.known = true, nil, map[notice]bool{}
	default:
		s.waiting, s.known[n] = append(s.waiting, n), true
	}
	s.wake()
}

func (s *subscriber) overflow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset, s.check, s.waiting, s.known = true, true, nil, map[notice]bool{}
	s.wake()
}

func (s *subscriber) wake() {
	select {
	case s.ready <- struct{}{}:
	default: // it has a wake-up waiting already
	}
}

// take returns what waits and forgets it.
func (s *subscriber) take() (list []notice, reset, check bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, reset, check = s.waiting, s.reset, s.check
	s.waiting, s.reset, s.check, s.known = nil, false, false, map[notice]bool{}
	return list, reset, check
}
