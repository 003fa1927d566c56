// Package wireguard is the gateway's tunnel: peers, keys and ports of one WireGuard interface, and nothing of policy or addresses.
//
// System drives a real interface through wgctrl: the kernel's WireGuard where it can be had, else wireguard-go inside this process with a
// TUN device and the usual control socket. Userspace drives a wireguard-go device over any packet device, without root.
package wireguard
