package main

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// dialFrom returns a dialer for connections from an address of this machine. The port
// is chosen when the other end is known: then one that is still closing a connection to
// another server may be used again.
func dialFrom(source net.IP) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: source}, Control: func(_, _ string, raw syscall.RawConn) error {
		var failure error
		err := raw.Control(func(descriptor uintptr) {
			failure = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		})
		if err != nil {
			return err
		}
		return failure
	}}
}
