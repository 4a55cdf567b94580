package natslog_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
	"stats-recorder/cluster/natslog"
)

func TestTheLogOnNATSIsALog(t *testing.T) {
	t.Parallel()
	clustertest.TestLog(t, func(t *testing.T, limit int) clustertest.Cluster {
		return newStream(t, sharedServers(t), int64(limit))
	})
}

// stream is a stream on real servers as a Cluster under test.
type stream struct {
	servers *servers
	options natslog.Options
	js      jetstream.JetStream
	disturb func(*testing.T, *stream) (calm func()) // nil: stops the leader
}

var streams atomic.Int64

func newStream(t *testing.T, servers *servers, limit int64) *stream {
	t.Helper()
	if limit == 0 {
		limit = 1 << 30
	}
	s := &stream{servers: servers, js: servers.admin(t), options: natslog.Options{
		Stream:          fmt.Sprintf("log%d", streams.Add(1)),
		MaxBytes:        limit,
		DuplicateWindow: 100 * time.Millisecond, // the least there is
	}}
	t.Cleanup(func() {
		s.js.DeleteStream(context.Background(), s.options.Stream)
		s.js.DeleteStream(context.Background(), "OBJ_"+s.options.Stream+"-states")
	})
	return s
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open opens until the servers answer.
func open(t *testing.T, options natslog.Options, servers string) *natslog.Connection {
	t.Helper()
	var err error
	if options.URLs, err = natslog.ParseURLs(servers); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ctx.Err() == nil; {
		var connection *natslog.Connection
		if connection, err = natslog.Open(ctx, options); err == nil {
			t.Cleanup(connection.Close)
			return connection
		}
		if cluster.IsFinal(err) || errors.Is(err, natslog.ErrOptions) {
			break
		}
	}
	t.Fatal(err)
	return nil
}

func (s *stream) Open(t *testing.T) clustertest.Process {
	t.Helper()
	var proxies []*proxy
	var addresses []string
	for i := range s.servers.options {
		proxies = append(proxies, clientProxy(t, s.servers.address(i)))
		addresses = append(addresses, proxies[i].address())
	}
	connection := open(t, s.options, strings.Join(addresses, ","))
	setHeld := func(held bool) {
		for _, proxy := range proxies {
			proxy.setHeld(held)
		}
	}
	return clustertest.Process{
		Log:     connection.Log,
		Shared:  connection.Shared,
		Hold:    func() { setHeld(true) },
		Release: func() { setHeld(false) },
	}
}

func (s *stream) Recreate(t *testing.T) {
	t.Helper()
	if err := s.js.DeleteStream(within(t), s.options.Stream); err != nil {
		t.Fatal(err)
	}
}

func (s *stream) handle(t *testing.T) jetstream.Stream {
	t.Helper()
	handle, err := s.js.Stream(within(t), s.options.Stream)
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

func (s *stream) Lose(t *testing.T, at cluster.Position) {
	t.Helper()
	if err := s.handle(t).DeleteMsg(within(t), at.Sequence); err != nil {
		t.Fatal(err)
	}
}

// Inject publishes without a condition, until the window in which the servers
// recognise the message has passed.
func (s *stream) Inject(t *testing.T, id cluster.FrameID, encoded []byte) {
	t.Helper()
	message := &nats.Msg{
		Subject: s.options.Stream + "." + id.Origin.String(),
		Header:  nats.Header{natslog.HighestHeader: {strconv.FormatUint(id.Sequence, 10)}},
		Data:    encoded,
	}
	for ctx := within(t); ; {
		ack, err := s.js.PublishMsg(ctx, message, jetstream.WithMsgID(id.String()))
		if err != nil {
			t.Fatal(err)
		}
		if !ack.Duplicate {
			return
		}
	}
}

// Disturb stops the server that leads the stream, or does what the stream is told to.
func (s *stream) Disturb(t *testing.T) (calm func()) {
	t.Helper()
	if s.disturb != nil {
		return s.disturb(t, s)
	}
	leader := s.leader(t)
	s.servers.shutDown(leader)
	return func() { s.servers.restart(t, leader) }
}

// leader is the number of the server that leads the stream.
func (s *stream) leader(t *testing.T) int {
	t.Helper()
	info, err := s.handle(t).Info(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return s.servers.byName(t, info.Cluster.Leader)
}
