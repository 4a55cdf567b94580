package harness

import (
	"fmt"
	"net"
)

// FreeAddress returns an address of the loopback interface that nobody listens at for
// the moment, for programs that cannot choose a port themselves.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	if err := listener.Close(); err != nil {
		return "", fmt.Errorf("free the port: %w", err)
	}
	return listener.Addr().String(), nil
}
