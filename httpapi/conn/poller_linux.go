package conn

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller waits for what comes from file descriptors: an epoll instance that Go's
// own poller waits for, so that a loop without work takes no thread.
type poller struct {
	file   *os.File
	raw    syscall.RawConn
	fd     int
	wakeup int         // an eventfd
	woken  atomic.Bool // wake was called since the last wait
	events [256]unix.EpollEvent
	ready  int
	look   func(uintptr) bool // lookFor(0), made once

	mu     sync.Mutex
	closed bool // guarded by mu
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
	p.look = func(uintptr) bool {
		p.lookFor(0)
		return p.ready > 0
	}
	if p.raw, err = p.file.SyscallConn(); err == nil {
		p.wakeup, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	}
	if err != nil {
		p.file.Close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	if err := p.add(p.wakeup, reading); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// close ends the poller. Whoever still wakes it does nothing then: its descriptor
// may be somebody else's by that time.
func (p *poller) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	unix.Close(p.wakeup)
	p.file.Close()
}

// reading are what a poller tells of a descriptor, once whenever it has changed:
// then all there is must be read.
const reading = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// writing is the same for a descriptor that takes more.
const writing = unix.EPOLLOUT

// add has the poller look at a descriptor.
func (p *poller) add(fd int, events uint32) error { return p.control(unix.EPOLL_CTL_ADD, fd, events) }

// change has the poller look for other events, those that are there included.
func (p *poller) change(fd int, events uint32) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, events)
}

func (p *poller) control(operation, fd int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, operation, fd, &event))
}

// remove must be called before a descriptor is given to somebody else. One that
// is closed for good goes by itself.
func (p *poller) remove(fd int) { _ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// wait returns what has happened, once something has.
func (p *poller) wait() []unix.EpollEvent {
	p.ready = 0
	if err := p.raw.Read(p.look); err != nil { // Go's poller does not take it
		p.lookFor(-1)
	}
	return p.seen()
}

// glance returns what has happened already.
func (p *poller) glance() []unix.EpollEvent {
	p.lookFor(0)
	return p.seen()
}

func (p *poller) seen() []unix.EpollEvent {
	p.woken.Store(false)
	return p.events[:p.ready]
}

// lookFor waits for so many milliseconds, or for ever if that is negative.
func (p *poller) lookFor(milliseconds int) {
	var n int
	if milliseconds == 0 {
		n, _ = epollNow(p.fd, p.events[:])
	} else {
		n, _ = uninterrupted(func() (int, error) { return unix.EpollWait(p.fd, p.events[:], milliseconds) })
	}
	p.ready = max(n, 0)
}

// wake ends a wait, now or the next one. It may be called by any goroutine, and
// after close.
func (p *poller) wake() {
	if p.woken.Swap(true) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		// Being told of each change, nobody needs to read what this adds up to.
		_, _ = unix.Write(p.wakeup, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// uninterrupted repeats a system call that a signal has interrupted.
func uninterrupted(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}
