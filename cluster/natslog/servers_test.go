package natslog_test

import (
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/harness/harnesstest"
)

// servers are three nats-servers in this process that know each other, each with a
// store that syncs each message.
type servers struct {
	mu      sync.Mutex
	options [3]*server.Options
	running [3]*server.Server
	// routes are the ways from one server to another: none knows another's address.
	routes [3][3]*proxy
}

// patience is how long anything may take before a test gives up.
const patience = 60 * time.Second

// shared are the servers of all tests that do not break them. TestMain stops them.
var shared struct {
	once    sync.Once
	servers *servers
	err     error
	dir     string
}

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests wait for elections and disks more than they compute.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	code := m.Run()
	if shared.servers != nil {
		shared.servers.stop()
	}
	os.RemoveAll(shared.dir)
	os.Exit(code)
}

func sharedServers(t *testing.T) *servers {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "natslog"); shared.err == nil {
			shared.servers, shared.err = startServers(shared.dir)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	harnesstest.Until(t, "a server leads JetStream", shared.servers.haveLeader)
	return shared.servers
}

func startServers(dir string) (*servers, error) {
	s := &servers{}
	ports, err := freePorts(len(s.options))
	if err != nil {
		return nil, err
	}
	for i := range s.options {
		name := fmt.Sprintf("s%d", i+1)
		s.options[i] = &server.Options{
			ServerName:        name,
			Host:              "127.0.0.1",
			Port:              server.RANDOM_PORT,
			Cluster:           server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i], NoAdvertise: true},
			JetStream:         true,
			JetStreamMaxStore: 1 << 40,
			StoreDir:          filepath.Join(dir, name),
			SyncAlways:        true,
			NoLog:             true,
			NoSigs:            true,
		}
		for j, port := range ports {
			if i == j {
				continue
			}
			if s.routes[i][j], err = startProxy(fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
				return nil, err
			}
			s.options[i].Routes = append(s.options[i].Routes, &url.URL{Scheme: "nats", Host: s.routes[i][j].address()})
		}
	}
	for i := range s.options {
		if err := s.start(i); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// start starts a server, on the port that it had before if it was started before.
func (s *servers) start(i int) error {
	options := s.options[i].Clone()
	started, err := server.NewServer(options)
	if err != nil {
		return err
	}
	go started.Start()
	if !started.ReadyForConnections(patience) {
		return fmt.Errorf("server %s does not take connections", options.ServerName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[i] = started
	s.options[i].Port = started.Addr().(*net.TCPAddr).Port
	return nil
}

func (s *servers) stop() {
	for i := range s.options {
		s.shutDown(i)
	}
	for i, routes := range s.routes {
		for j, route := range routes {
			if i != j {
				route.close()
			}
		}
	}
}

func (s *servers) all() []*server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[:]
}

// setCut cuts a server off from the others, or lets it find them again.
func (s *servers) setCut(i int, cut bool) {
	for j := range s.routes {
		if j != i {
			s.routes[i][j].setCut(cut)
			s.routes[j][i].setCut(cut)
		}
	}
}

// shutDown ends a server, which hands over what it leads.
func (s *servers) shutDown(i int) {
	running := s.all()[i]
	running.Shutdown()
	running.WaitForShutdown()
}

// kill ends a server without a word to the others.
func (s *servers) kill(i int) {
	s.setCut(i, true)
	s.shutDown(i)
}

// restart starts a server that has ended.
func (s *servers) restart(t *testing.T, i int) {
	t.Helper()
	s.setCut(i, false)
	if err := s.start(i); err != nil {
		t.Error(err)
	}
}

// address is where a server takes clients.
func (s *servers) address(i int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("127.0.0.1:%d", s.options[i].Port)
}

// urls are all servers, as an operator may write them.
func (s *servers) urls() string {
	return s.address(0) + ",nats://" + s.address(1) + ", " + s.address(2)
}

// haveLeader reports whether JetStream answers.
func (s *servers) haveLeader() bool {
	return slices.ContainsFunc(s.all(), (*server.Server).JetStreamIsLeader)
}

// byName is the number of a server.
func (s *servers) byName(t *testing.T, name string) int {
	t.Helper()
	for i, options := range s.options {
		if options.ServerName == name {
			return i
		}
	}
	t.Fatalf("no server is called %q", name)
	return 0
}

// admin is a client with which a test does what an operator does.
func (s *servers) admin(t *testing.T) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(s.urls(), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
