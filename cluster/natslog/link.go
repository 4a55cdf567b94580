package natslog

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"stats-recorder/cluster"
)

// failingFor is how long calls may fail before another server is tried: longer than
// an election takes.
const failingFor = 10 * time.Second

// link leaves a server that is cut off from the others. Such a server keeps its
// clients, answers their pings, and can do nothing for them; the client library
// would stay with it.
type link struct {
	conn *nats.Conn

	mu    sync.Mutex
	since time.Time // of the first failure after the last success; zero for none
}

// note takes the outcome of a call, and returns it.
func (l *link) note(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil || cluster.IsFinal(err) || errors.Is(err, cluster.ErrFull) || errors.Is(err, cluster.ErrBehind):
		l.since = time.Time{}
	case errors.Is(err, context.Canceled): // says nothing of the server
	case l.since.IsZero():
		l.since = time.Now()
	case time.Since(l.since) > failingFor:
		l.since = time.Time{}
		// It fails only where the connection is closed or under way already.
		_ = l.conn.ForceReconnect()
	}
	return err
}
