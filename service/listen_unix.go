//go:build unix

package service

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// takesConnections says whether a socket listens. One that is a connection itself,
// as Accept=yes hands over, looks like a listener to package net.
func takesConnections(listener net.Listener) bool {
	socket, ok := listener.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	accepts := 1
	if raw.Control(func(fd uintptr) { accepts, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN) }) != nil || err != nil {
		return true
	}
	return accepts != 0
}
