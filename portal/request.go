package portal

import "time"

// RequestState is where a request for temporary access stands.
type RequestState string

// The states of a request.
const (
	RequestOpen      RequestState = "open"
	RequestApproved  RequestState = "approved"  // until Until
	RequestRefused   RequestState = "refused"   // by an approver
	RequestWithdrawn RequestState = "withdrawn" // by who asked, before anybody decided
	RequestExpired   RequestState = "expired"   // nobody decided in time
	RequestEnded     RequestState = "ended"     // was approved, and ended before its time
	RequestOver      RequestState = "over"      // was approved, and its time is over; never stored
)

// AccessRequest is one person asking for one resource for a while.
type AccessRequest struct {
	ID        RequestID
	User      UserID
	Resource  ResourceID
	Reason    string
	For       time.Duration // whole seconds, from the approval on
	State     RequestState
	CreatedAt time.Time
	DecidedBy UserID    // "" until then, and where nobody did
	DecidedAt time.Time // zero until then
	Note      string    // of who decided
	Rule      RuleID    // that lets the person through, "" while there is none
	Until     time.Time // zero until it was approved
}

// StateAt is the state at now.
func (r AccessRequest) StateAt(now time.Time) RequestState {
	if r.State == RequestApproved && !now.Before(r.Until) {
		return RequestOver
	}
	return r.State
}
