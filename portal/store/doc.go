// Package store holds all SQL and all of gorm, one file a table, for SQLite (one portal process) and PostgreSQL (any number).
//
// A use case is one transaction: Store.Tx runs it, with one now, its audit event and the feed objects that it changes. Rows are private
// structs; what comes out are the nouns of package portal. Missing rows and clashes come back as portal.ErrNotFound and
// portal.ErrDuplicate. Who may do what is not decided here.
package store
