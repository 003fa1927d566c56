// Package netnstest gives tests a small world of network namespaces with real interfaces, sockets and packets. It needs root; without
// it a test is skipped, and with CI=true a skip is a failure.
//
//	  client namespace            gateway namespace                 office namespace
//	┌──────────────────┐   ┌────────────────────────────┐   ┌─────────────────────────┐
//	│ wg0  10.8.0.x    │   │ tunnel  10.8.0.1           │   │ web, ssh … listeners    │
//	│      fd08::x     │   │         fd08::1            │   │                         │
//	│ up   192.0.2.2 ──┼───┼─ out    192.0.2.1          │   │                         │
//	│      2001:db8:1::2   │         2001:db8:1::1      │   │                         │
//	│                  │   │  in     10.1.0.1 ──────────┼───┼─ up  10.1.0.2           │
//	│                  │   │         fd01::1            │   │      fd01::2            │
//	└──────────────────┘   └────────────────────────────┘   └─────────────────────────┘
//
// Main runs the whole test binary in a namespace of its own, which is the gateway: the code under test needs no special handling. Other
// namespaces are made with New and entered with Do. None of them has a name, so nothing is left behind when the process ends.
package netnstest
