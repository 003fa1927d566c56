package auth

// discovery is what a provider says of itself, once it was asked.
type discovery struct{}
