package portal

// ServedProfile is the feed object of a profile: where its entries go. A gateway hears only of entries whose profile its PoP serves.
type ServedProfile struct {
	ID       ProfileID `json:"id"`
	PoPs     []PoPID   `json:"pops"` // empty: everywhere
	Pool     PoolID    `json:"pool"` // where its devices have their addresses
	Push     Push      `json:"push"` // what clients of OpenVPN are told when they connect
	Revision uint64    `json:"rev"`
}

// ServedBy reports whether gateways in pop serve the profile.
func (p ServedProfile) ServedBy(pop PoPID) bool { return len(p.PoPs) == 0 || contains(p.PoPs, pop) }
