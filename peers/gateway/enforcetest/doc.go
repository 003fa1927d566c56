// Package enforcetest is one table of cases for everything that enforces the policy. The kernel's filter (package firewall) and the one of
// this process (package usernet) run it with real packets, and must agree on each.
package enforcetest
