// Package world builds a small internet of network namespaces for tests and benchmarks that run the finished programs:
//
//	  client             portal              gateway              office
//	198.51.100.10      198.51.100.2       198.51.100.1  10.20.0.1───10.20.0.10  a rule allows it
//	2001:db8:1::10     2001:db8:1::2      2001:db8:1::1 fd20::1────fd20::10
//	     │                  │                  │                    10.20.0.11  no rule allows it
//	     └───────── br0 198.51.100.254 ────────┘                    fd20::11
//	                "net" 2001:db8:1::fe
//	                203.0.113.80, 2001:db8:80::80   a host elsewhere
//
// It owns namespaces, processes in them, and what a person does: sign in, add a device, bring a tunnel up with wg-quick. It asserts
// nothing; tests do. It needs root, and leaves nothing behind, also when the process before it was killed.
package world
