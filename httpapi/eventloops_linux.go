package httpapi

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// eventLoops are a server's event loops. They begin with the first connection
// that is adopted. Its methods may be called by any goroutine.
type eventLoops struct {
	server *Server
	most   int         // one for each processor
	shut   atomic.Bool // no connection is adopted any more

	mu    sync.Mutex
	loops []*eventLoop // guarded by mu
}

func newEventLoops(s *Server) *eventLoops {
	return &eventLoops{server: s, most: runtime.GOMAXPROCS(0)}
}

// open says whether connections are adopted.
func (e *eventLoops) open() bool { return !e.shut.Load() }

// adopt takes a connection that is between two requests into the loop that has
// the fewest. It returns false when it cannot; then the connection is as it was.
func (e *eventLoops) adopt(c *lingeringConn) bool {
	loop := e.idlest()
	if loop == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() { // to make room for another: there is nothing left to take
		return true
	}
	fd, err := duplicate(c.Conn)
	if err != nil {
		return false
	}
	looped := &loopedConn{conn: c, loop: loop, fd: fd}
	if !loop.post(func() { loop.enter(looped) }) {
		unix.Close(fd)
		return false
	}
	loop.count.Add(1)
	// What Go's own poller knows wakes a thread for each packet, whoever reads it.
	_ = c.Conn.Close()
	c.loop = looped
	e.server.metrics.promoted.Add(1)
	return true
}

// idlest starts the loops, if need be, and returns the one with the fewest
// connections.
func (e *eventLoops) idlest() *eventLoop {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut.Load() {
		return nil
	}
	for len(e.loops) < e.most {
		loop, err := newEventLoop(e.server)
		if err != nil {
			e.server.config.Logger.Debug("an event loop could not be made", "error", err)
			break
		}
		e.loops = append(e.loops, loop)
		go loop.run()
	}
	var idlest *eventLoop
	for _, loop := range e.loops {
		if idlest == nil || loop.count.Load() < idlest.count.Load() {
			idlest = loop
		}
	}
	return idlest
}

// finish ends each loop as soon as it has no connection. No more are adopted.
func (e *eventLoops) finish() {
	if e == nil {
		return
	}
	for _, loop := range e.close() {
		loop.finish()
	}
}

// drain closes each connection when what has come from it is answered, and
// returns when all are closed, or the context ends. No more are adopted.
func (e *eventLoops) drain(ctx context.Context) {
	loops := e.close()
	for _, loop := range loops {
		loop.drain()
	}
	for _, loop := range loops {
		select {
		case <-loop.ended:
		case <-ctx.Done():
		}
	}
}

// close returns the loops that there are, and will be.
func (e *eventLoops) close() []*eventLoop {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shut.Store(true)
	return e.loops
}

// duplicate returns a file descriptor of its own for a connection.
func duplicate(conn any) (fd int, err error) {
	real, ok := conn.(syscall.Conn)
	if !ok {
		return 0, syscall.ENOTSUP
	}
	raw, err := real.SyscallConn()
	if err != nil {
		return 0, err
	}
	if controlError := raw.Control(func(original uintptr) {
		fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	}); controlError != nil {
		return 0, controlError
	}
	return fd, err
}
