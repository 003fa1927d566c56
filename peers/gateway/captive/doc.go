// Package captive is the page that devices in quarantine see instead of any other over plain HTTP: it sends browsers to the portal, with the reason.
// Filters send such connections here; nobody else reaches it.
package captive
