// Package scim is the portal's side of SCIM 2.0 (RFC 7643, RFC 7644): a directory writes people and groups, and reads back what it wrote.
//
// It owns the protocol (filters, PATCH, paging, entity tags, errors, discovery), the tokens of directories, and what a directory's word
// means here: which person it is about, when they are suspended, which groups they are in. A directory sees the people and groups that it
// keeps and nobody else's; memberships of other sources and what an administrator decided stay.
//
// It does not own how tunnels are cut (peers) or accounts are suspended (auth): it calls them in its own transaction.
package scim
