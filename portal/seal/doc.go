// Package seal encrypts the small secrets that the database keeps: seeds of authenticator apps, the portal's own keys.
//
// It owns the format and the keyring. Where the master key comes from is config's business (cmd/sallyport), where the result is kept is
// the store's. It imports the standard library only. What must merely be compared, such as a session's secret, is hashed and not sealed.
package seal
