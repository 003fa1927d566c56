package api

import "github.com/sallyport/sallyport/portal"

// What the tests of package api_test look at from inside.
var (
	StatusOf     = status
	ProblemOf    = problemOf
	Shown        = shown
	AccessTable  = accessTable
	DecodeCursor = func(s string) (string, error) { return decodeCursor(devicesCursor, &s) }
	EncodeCursor = func(s string) *string { return encodeCursor(devicesCursor, s) }
	DecodeAudit  = func(s string) (uint64, error) { return decodeSequence(auditCursor, &s) }
)

// Broker is the broker, for tests of what a slow listener gets.
type Broker struct{ b *broker }

// NewBroker makes one.
func NewBroker() Broker { return Broker{newBroker()} }

// Listen subscribes a person who sees only their own things.
func (b Broker) Listen(user portal.UserID) (take func() (n int, reset bool), ok bool) {
	s := b.b.subscribe(user, portal.RoleUser)
	if s == nil {
		return nil, false
	}
	return func() (int, bool) {
		list, reset, _ := s.take()
		return len(list), reset
	}, true
}

// Tell tells a person of a device.
func (b Broker) Tell(user portal.UserID, id string) {
	b.b.tell(notice{kindDevice, id}, audience{user: user})
}
