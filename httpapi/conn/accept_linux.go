package conn

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawListener accepts descriptors that Go's poller does not know: that would wake
// a thread for each packet, whoever reads it.
type rawListener struct {
	inner net.Listener
	file  *os.File // of the same socket
	raw   syscall.RawConn
	next  func(listening uintptr) bool // acceptNext, made once

	fd     int
	client netip.Addr
	err    error
}

// newRawListener returns nil for a listener without a socket.
func newRawListener(listener net.Listener) *rawListener {
	real, ok := listener.(interface{ File() (*os.File, error) })
	if !ok {
		return nil
	}
	file, err := real.File()
	if err != nil {
		return nil
	}
	l := &rawListener{inner: listener, file: file}
	l.next = l.acceptNext
	if l.raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return nil
	}
	if tcp, ok := listener.(*net.TCPListener); ok {
		tcp.Close() // for Go's poller to look at the socket once
	}
	_ = l.raw.Control(func(listening uintptr) { // accepted sockets have what the listener has
		_ = unix.SetsockoptInt(int(listening), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	})
	return l
}

// accept waits for the next connection. It fails for good when the listener is closed.
func (l *rawListener) accept() (fd int, client netip.Addr, err error) {
	if err := l.raw.Read(l.next); err != nil {
		return 0, netip.Addr{}, err
	}
	return l.fd, l.client, os.NewSyscallError("accept4", l.err)
}

func (l *rawListener) acceptNext(listening uintptr) (done bool) {
	var peer unix.Sockaddr
	for {
		l.fd, peer, l.err = unix.Accept4(int(listening), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if l.err != unix.EINTR && l.err != unix.ECONNABORTED {
			break
		}
	}
	switch peer := peer.(type) {
	case *unix.SockaddrInet4:
		l.client = netip.AddrFrom4(peer.Addr)
	case *unix.SockaddrInet6:
		l.client = netip.AddrFrom16(peer.Addr).Unmap()
	}
	return l.err != unix.EAGAIN
}

// Close ends accept. It may be called more than once.
func (l *rawListener) Close() error {
	for _, closer := range []io.Closer{l.file, l.inner} {
		if err := closer.Close(); err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return nil
}
