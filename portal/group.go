package portal

// Membership is one group of one person, and who says so.
type Membership struct {
	Group   Group
	Sources []GroupSource // sorted
}
