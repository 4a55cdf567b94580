package natslog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
	"stats-recorder/cluster/natslog"
	"stats-recorder/harness/harnesstest"
)

func TestAStreamThatCouldLoseCountsIsRefusedInWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*jetstream.StreamConfig)
		word   string
		bucket bool
	}{
		"one replica":              {change: func(c *jetstream.StreamConfig) { c.Replicas = 1 }, word: "--replicas=3"},
		"old frames discarded":     {change: func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, word: "--discard=new"},
		"no limit of bytes":        {change: func(c *jetstream.StreamConfig) { c.MaxBytes = -1 }, word: "--max-bytes="},
		"a limit of messages":      {change: func(c *jetstream.StreamConfig) { c.MaxMsgs = 1000 }, word: "--max-msgs=-1"},
		"a limit of a subject":     {change: func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 }, word: "--max-msgs-per-subject=-1"},
		"small messages":           {change: func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 }, word: "--max-msg-size=-1"},
		"frames that expire":       {change: func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, word: "--max-age=168h0m0s"},
		"answers of any replica":   {change: func(c *jetstream.StreamConfig) { c.AllowDirect = true }, word: "--no-allow-direct"},
		"messages that replace":    {change: func(c *jetstream.StreamConfig) { c.AllowRollup = true }, word: "rolling up"},
		"no purging":               {change: func(c *jetstream.StreamConfig) { c.DenyPurge = true }, word: "cannot be trimmed"},
		"memory":                   {change: func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, word: "storage Memory"},
		"removal when read":        {change: func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, word: "retention Interest"},
		"no acknowledgements":      {change: func(c *jetstream.StreamConfig) { c.NoAck = true }, word: "no_ack true"},
		"messages that may expire": {change: func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true }, word: "expire"},
		"another beginning":        {change: func(c *jetstream.StreamConfig) { c.FirstSeq = 1000 }, word: "begin at 1"},
		"other subjects":           {change: func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, c.Name+"-more") }, word: "subjects"},
		"states that expire":       {change: func(c *jetstream.StreamConfig) { c.MaxAge = 300 * time.Hour }, word: "0 (never)", bucket: true},
		"one replica of states":    {change: func(c *jetstream.StreamConfig) { c.Replicas = 1 }, word: "--replicas=3", bucket: true},
		"states that do not end":   {change: func(c *jetstream.StreamConfig) { c.AllowRollup = false }, word: "rolling up", bucket: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStream(t, sharedServers(t), 0)
			remake(t, s, test.bucket, test.change)
			expectUnsuitable(t, s.options, s.servers.urls(), test.word)
		})
	}
}

// remake makes a stream that is ours but for a change.
func remake(t *testing.T, s *stream, bucket bool, change func(*jetstream.StreamConfig)) {
	t.Helper()
	open(t, s.options, s.servers.urls()).Close()
	name := s.options.Stream
	if bucket {
		name = "OBJ_" + name + "-states"
	}
	made, err := s.js.Stream(within(t), name)
	if err != nil {
		t.Fatal(err)
	}
	config := made.CachedInfo().Config
	config.Metadata = nil
	change(&config)
	// A request to a stream without a leader is never answered: it is made again.
	try := func(what string, request func(context.Context) error, isDone error) {
		harnesstest.Until(t, what, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := request(ctx)
			return err == nil || errors.Is(err, isDone)
		})
	}
	try("the stream is deleted", func(ctx context.Context) error { return s.js.DeleteStream(ctx, name) }, jetstream.ErrStreamNotFound)
	try("the stream is made anew", func(ctx context.Context) error {
		_, err := s.js.CreateStream(ctx, config)
		return err
	}, jetstream.ErrStreamNameAlreadyInUse)
}

func expectUnsuitable(t *testing.T, options natslog.Options, servers, word string) {
	t.Helper()
	var err error
	if options.URLs, err = natslog.ParseURLs(servers); err != nil {
		t.Fatal(err)
	}
	connection, err := natslog.Open(within(t), options)
	if err == nil {
		connection.Close()
	}
	if !errors.Is(err, cluster.ErrUnsuitable) || !strings.Contains(err.Error(), word) {
		t.Fatalf("error %v, want %v with %q in it", err, cluster.ErrUnsuitable, word)
	}
}

func TestWhatDoesNoHarmIsTheOperators(t *testing.T) {
	t.Parallel()
	s := newStream(t, sharedServers(t), 0)
	remake(t, s, false, func(c *jetstream.StreamConfig) {
		c.Description = "ours"
		c.MaxBytes *= 2
		c.MaxAge = 0
		c.Duplicates = time.Minute
		c.Compression = jetstream.S2Compression
		c.Metadata = map[string]string{"team": "counts"}
	})
	log := open(t, s.options, s.servers.urls()).Log
	if _, _, err := log.Bounds(within(t)); err != nil {
		t.Fatal(err)
	}

	// What does harm is refused later, too.
	config := s.handle(t).CachedInfo().Config
	config.Discard = jetstream.DiscardOld
	if _, err := s.js.UpdateStream(within(t), config); err != nil {
		t.Fatal(err)
	}
	if _, _, err := log.Bounds(within(t)); !errors.Is(err, cluster.ErrUnsuitable) {
		t.Fatalf("a stream that discards old messages: error %v, want %v", err, cluster.ErrUnsuitable)
	}
}

func TestServersThatAreTooOldAreRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.9.10", "2.13.9", "1.99.0", "2.14", "", "main"} {
		address := pretend(t, version, 1<<20)
		expectUnsuitable(t, natslog.Options{Stream: "log"}, address, fmt.Sprintf("%q, want at least 2.14", version))
	}
	expectUnsuitable(t, natslog.Options{Stream: "log"}, pretend(t, "2.15.0", 64<<10), "max_payload")
}

func TestALogIsOpenedWhileNoServerAnswers(t *testing.T) {
	t.Parallel()
	// The version is good, but nobody leads: an error that passes.
	ctx, cancel := context.WithTimeout(within(t), 100*time.Millisecond)
	defer cancel()
	_, err := natslog.Open(ctx, natslog.Options{URLs: []string{"nats://" + pretend(t, "v2.14.0-RC.1", 1<<20)}, Stream: "log"})
	if err == nil || cluster.IsFinal(err) {
		t.Fatalf("error %v, want one that is not final", err)
	}
}

// pretend is a server that says its version, and otherwise only that it lives.
func pretend(t *testing.T, version string, maxPayload int) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerPings(conn, fmt.Sprintf(`{"server_id":"X","server_name":"pretended","version":%q,"proto":1,"headers":true,"max_payload":%d}`, version, maxPayload))
		}
	}()
	return listener.Addr().String()
}

func answerPings(conn net.Conn, info string) {
	defer conn.Close()
	fmt.Fprintf(conn, "INFO %s\r\n", info)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if lines.Text() == "PING" {
			fmt.Fprint(conn, "PONG\r\n")
		}
	}
}
