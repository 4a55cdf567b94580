package service

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
)

// listen binds the public address, unless a service manager holds a socket for
// this process, see sd_listen_fds(3): then it takes that over. While the server
// restarts, clients wait in that socket's queue and are not refused.
func listen(config Config) (net.Listener, error) {
	held, err := activation.Listeners()
	switch {
	case err != nil:
		return nil, fmt.Errorf("take over the service manager's sockets: %w", err)
	case len(held) == 0:
		return bind(config)
	case len(held) > 1:
		return nil, fmt.Errorf("%w: the service manager has %d sockets for this process: want one", ErrConfig, len(held))
	case held[0] == nil || !takesConnections(held[0]):
		return nil, fmt.Errorf("%w: the service manager's socket takes no connections: want ListenStream= and Accept=no in its unit", ErrConfig)
	}
	if !listensAsTold(held[0].Addr(), config) {
		config.Logger.Warn("HOST and PORT are not used: the service manager holds the socket, and says where it listens",
			"address", held[0].Addr().String())
	}
	return held[0], nil
}

// listensAsTold says whether a socket's address is that of HOST and PORT. It
// need not be where both have their defaults: nobody asked for them.
func listensAsTold(address net.Addr, config Config) bool {
	if config.Host == "" && config.Port == DefaultConfig().Port {
		return true
	}
	host, port, err := net.SplitHostPort(address.String())
	if err != nil || port != strconv.Itoa(config.Port) {
		return false
	}
	bound, want := net.ParseIP(host), net.ParseIP(config.Host)
	if config.Host == "" {
		return bound.IsUnspecified()
	}
	return bound.Equal(want) || (config.Host == "localhost" && bound.IsLoopback())
}

func bind(config Config) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(config.Host, strconv.Itoa(config.Port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen: %w; is another server running? choose another PORT", err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen: %w; ports below 1024 need a privilege: choose another PORT", err)
	case err != nil:
		return nil, fmt.Errorf("%w: HOST %q or PORT %d: %w", ErrConfig, config.Host, config.Port, err)
	}
	return listener, nil
}
