package auth

// passwords computes and compares hashes of passwords.
type passwords struct{}
