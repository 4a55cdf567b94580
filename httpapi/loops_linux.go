package httpapi

import (
	"context"
	"os"
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
	shut   atomic.Bool // no connection is adopted any more

	mu    sync.Mutex
	loops []*eventLoop // guarded by mu
}

func newEventLoops(s *Server) *eventLoops { return &eventLoops{server: s} }

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
	if c.closed.Load() { // to make room for another
		return true
	}
	fd, err := duplicate(c.Conn)
	if err != nil {
		return false
	}
	looped := &loopedConn{lingeringConn: c, loop: loop, server: e.server, fd: fd}
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
	for len(e.loops) < runtime.GOMAXPROCS(0) {
		loop, err := newEventLoop(e.server)
		if err != nil {
			e.server.config.Logger.Warn("an event loop could not be made", "error", err)
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

// finish ends each loop as soon as it has no connection.
func (e *eventLoops) finish() {
	if e != nil {
		e.each((*eventLoop).finish)
	}
}

// drain closes each connection when all that has come from it is answered, and
// returns when all are closed, or the context ends.
func (e *eventLoops) drain(ctx context.Context) {
	e.each((*eventLoop).drain)
	e.each(func(loop *eventLoop) {
		select {
		case <-loop.ended:
		case <-ctx.Done():
		}
	})
}

func (e *eventLoops) each(do func(*eventLoop)) {
	e.mu.Lock()
	e.shut.Store(true)
	loops := e.loops
	e.mu.Unlock()
	for _, loop := range loops {
		do(loop)
	}
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

// poller waits for what comes from file descriptors: an epoll instance that Go's
// own poller waits for, so that a loop without work takes no thread.
type poller struct {
	file   *os.File
	raw    syscall.RawConn
	fd     int
	wakeup int // an eventfd
	woken  atomic.Bool
	events [256]unix.EpollEvent
	ready  int
	look   func(uintptr) bool // lookNow, made once
}

// newPoller must be closed.
func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // for os.NewFile to take it as one to poll
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	p.look = func(uintptr) bool { return p.lookNow() > 0 }
	if p.raw, err = p.file.SyscallConn(); err == nil {
		p.wakeup, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	}
	if err != nil {
		p.file.Close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	if err := p.add(p.wakeup); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) close() {
	unix.Close(p.wakeup)
	p.file.Close()
}

// add has the poller look at a descriptor. It tells of it once whenever something
// has changed: then all there is must be read, or written until no more goes.
func (p *poller) add(fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event))
}

// remove must be called before a descriptor is given to somebody else. One that
// is closed for good goes by itself.
func (p *poller) remove(fd int) { _ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// wait returns what has happened, once something has.
func (p *poller) wait() []unix.EpollEvent {
	p.ready = 0
	_ = p.raw.Read(p.look) // it fails only when the file is closed
	return p.events[:p.ready]
}

// lookNow sees what has happened already.
func (p *poller) lookNow() int {
	n, err := unix.EpollWait(p.fd, p.events[:], 0)
	for err == unix.EINTR {
		n, err = unix.EpollWait(p.fd, p.events[:], 0)
	}
	p.ready = max(n, 0)
	return p.ready
}

// wake ends a wait, now or the next one. It may be called by any goroutine.
func (p *poller) wake() {
	if !p.woken.Swap(true) {
		// Being told of each change, nobody needs to read what this adds up to.
		_, _ = unix.Write(p.wakeup, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}
