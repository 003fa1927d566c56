// Package trail is what one can do with the audit trail after it was written: search it, take it out as a file, prove that it is whole,
// and hand it on to receivers outside as it grows.
//
// It owns the forms in which events leave the portal (JSON lines, CSV, syslog, HTTP) and the places of receivers (see Forwarder). Writing
// events is portal/store's, in the transaction of the change that they tell of; who may read them is auth's table; HTTP is api's.
package trail
