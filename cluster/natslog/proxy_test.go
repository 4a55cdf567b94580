package natslog_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// freePorts are ports where servers can listen.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// proxy stands before a server. When told to it holds what the server says, or cuts
// all connections.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	moved *sync.Cond
	held  bool
	cut   bool
	conns []net.Conn
}

func startProxy(server string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, server: server}
	p.moved = sync.NewCond(&p.mu)
	go p.accept()
	return p, nil
}

// clientProxy is a proxy between a client and a server for one test.
func clientProxy(t *testing.T, server string) *proxy {
	t.Helper()
	p, err := startProxy(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) setHeld(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
	p.moved.Broadcast()
}

func (p *proxy) close() {
	p.listener.Close()
	p.setCut(true)
}

// setCut breaks all connections and lets none be made, or makes an end of that.
func (p *proxy) setCut(cut bool) {
	p.setHeld(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if !cut {
		return
	}
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
}

// keep remembers connections, unless the proxy is cut.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.conns = append(p.conns, conns...)
	}
	return !p.cut
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		if !p.keep(client, server) {
			client.Close()
			server.Close()
			continue
		}
		go p.copy(server, client)
		go p.copy(gated{p, client}, server)
	}
}

func (p *proxy) copy(to io.Writer, from net.Conn) {
	io.Copy(to, from) // a connection that breaks is the client's to notice
	from.Close()
	if conn, ok := to.(net.Conn); ok {
		conn.Close()
	}
}

// gated is a client to which nothing is written while the proxy holds.
type gated struct {
	proxy *proxy
	net.Conn
}

func (g gated) Write(b []byte) (int, error) {
	g.proxy.mu.Lock()
	for g.proxy.held {
		g.proxy.moved.Wait()
	}
	g.proxy.mu.Unlock()
	return g.Conn.Write(b)
}

// ReadFrom hides that of a TCP connection, which would not be gated.
func (g gated) ReadFrom(from io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{g}, from)
}
