package conn

import (
	"context"
	"net"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// loops are a server's event loops. Its methods may be called by any goroutine.
type loops struct {
	server *Server
	left   *handover // connections that have left their loops
	asides sync.Pool // *aside
	all    []*loop   // one for each processor; none before they are started
	// turns has a place for each handshake that is computed: thousands at a time would
	// have a loop wait until all have had the processor.
	turns chan struct{}
	// accepted is closed when no more connections come.
	accepted chan struct{}
}

func newLoops(s *Server) *loops {
	e := &loops{server: s, accepted: make(chan struct{}), turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	e.asides.New = func() any { return s.newAside() }
	return e
}

func (e *loops) newAside() *aside { return e.asides.Get().(*aside) }

// serveInLoops serves a listener's connections in event loops until Shutdown, if it can.
func (s *Server) serveInLoops(listener net.Listener) (served bool, err error) {
	if s.config.WithoutLoops {
		return false, nil
	}
	raw := newRawListener(listener)
	if raw == nil {
		return false, nil
	}
	if !s.loops.start(listener.Addr()) {
		raw.Close()
		return false, nil
	}
	s.listening(raw)
	go s.loops.accept(raw)
	return true, s.http.Serve(s.loops.left)
}

// start makes the loops, or none if this process cannot have them.
func (e *loops) start(address net.Addr) bool {
	var all []*loop
	for number := range runtime.GOMAXPROCS(0) {
		l, err := newLoop(e.server, uint64(number))
		if err != nil {
			e.server.config.Logger.Warn("there are no event loops", "error", err)
			break
		}
		all = append(all, l)
		go l.run()
	}
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	e.all, e.left = all, &handover{conns: make(chan net.Conn), closed: make(chan struct{}), address: address}
	return len(all) > 0
}

// running are the loops that there are.
func (e *loops) running() []*loop {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	return e.all
}

// accept gives each connection that there is a place for to the loop that has the
// fewest, until the listener is closed.
func (e *loops) accept(listener *rawListener) {
	defer close(e.accepted)
	s := e.server
	pauser := pauser{server: s}
	for {
		fd, client, err := listener.accept()
		switch {
		case err != nil && s.isStopped():
			return
		case err != nil:
			pauser.failed(err)
			continue
		}
		pauser.succeeded()
		c := &socket{connection: connection{client: client}, fd: fd, loop: e.idlest()}
		c.carrier = c
		if s.config.TLS != nil {
			c.secure = newSecure(c, s.config.TLS)
		}
		if !s.places.admit(&c.connection) {
			e.refuse(fd)
			continue
		}
		s.config.Events.Looped()
		c.loop.count.Add(1)
		if !c.loop.post(func() { c.loop.enter(c) }) { // it was abandoned
			unix.Close(fd)
			s.places.forget(&c.connection)
		}
	}
}

func (e *loops) refuse(fd int) {
	conn, err := netConn(fd)
	if err != nil {
		unix.Close(fd)
		e.server.config.Events.Refused()
		return
	}
	e.server.refuse(conn, e.server.refusal())
}

func (e *loops) idlest() *loop {
	idlest := e.all[0]
	for _, l := range e.all {
		if l.count.Load() < idlest.count.Load() {
			idlest = l
		}
	}
	return idlest
}

// drain closes each connection when what has come from it is answered, and
// returns when all are closed, or the context ends.
func (e *loops) drain(ctx context.Context) {
	all := e.running()
	if len(all) == 0 {
		return
	}
	<-e.accepted
	for _, l := range all {
		l.drain()
	}
	for _, l := range all {
		select {
		case <-l.ended:
		case <-ctx.Done():
		}
	}
}

// abandon ends the loops that have not ended since drain, whatever waits in them.
func (e *loops) abandon() {
	for _, l := range e.running() {
		l.abandon()
		<-l.ended
	}
}

// handover is a listener that has the connections which have left their loops.
type handover struct {
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	address net.Addr
}

// give has a connection accepted, or closes it when nobody accepts any more.
func (h *handover) give(conn net.Conn) {
	select {
	case h.conns <- conn:
	case <-h.closed:
		_ = conn.Close()
	}
}

// Accept is called by fasthttp.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is the address of the listener that the connections came from.
func (h *handover) Addr() net.Addr { return h.address }
