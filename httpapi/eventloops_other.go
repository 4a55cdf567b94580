//go:build !linux

package httpapi

import "context"

// eventLoops are not there on this system: fasthttp serves all connections.
type eventLoops struct{}

func newEventLoops(*Server) *eventLoops       { return nil }
func (*eventLoops) open() bool                { return false }
func (*eventLoops) adopt(*lingeringConn) bool { return false }
func (*eventLoops) finish()                   {}
func (*eventLoops) drain(context.Context)     {}
