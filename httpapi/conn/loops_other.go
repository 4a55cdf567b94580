//go:build !linux

package conn

import (
	"context"
	"net"
)

// loops are not there on this system: fasthttp serves all connections.
type loops struct{}

func newLoops(*Server) *loops { return nil }

func (s *Server) serveInLoops(net.Listener) (served bool, err error) { return false, nil }

func (*loops) drain(context.Context) {}

func (*loops) abandon() {}
