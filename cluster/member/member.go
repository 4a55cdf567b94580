package member

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot"
)

// What a Member needs a person for, or a start. Each is wrapped with what to do.
var (
	// ErrAdopt means that the log does not have any more what this node lacks: call Adopt.
	ErrAdopt = errors.New("this node must adopt the state of another one")
	// ErrStranger means that the directory has counts that no frame can tell of.
	ErrStranger = errors.New("the directory has counted alone")
	// ErrNotJoined means that the log was not met yet.
	ErrNotJoined = errors.New("the log was not reached yet")
)

// A Link is an open log and its shared states.
type Link struct {
	Log    cluster.Log
	Shared cluster.Shared
	// Ask asks the log's servers how they are; nil where there is nobody to ask.
	Ask func(context.Context) (Servers, error)
	// AddEventTypes writes event types where Ask finds them, beside those that are there.
	AddEventTypes func(context.Context, []string) error
	Close         func()
}

// Servers are what a log runs on.
type Servers struct {
	// Now is their clock.
	Now time.Time
	// Used is how many bytes the log has, and Limit how many it takes; 0 for any number.
	Used, Limit int64
	// EventTypes are those that nodes have, beside the built-in ones.
	EventTypes []string
	// Differing are settings that other nodes have otherwise, in words.
	Differing []string
}

// Options say how a node takes part.
type Options struct {
	// Open opens the log anew. A Link is closed before the next one is opened.
	Open func(context.Context) (*Link, error)
	// Ingest is set for a node that tells others what it counts, and never what they do.
	Ingest bool
	// Window is how long counts gather before they are told; 0 means 100 ms.
	Window time.Duration
	// Gather is how long frames of others gather before they are merged; 0 means ten
	// windows, at most a second.
	Gather time.Duration
	// Share is how often the state is shared; 0 means a minute.
	Share time.Duration
	// Backlog is how many bytes of counters may wait for the log; 0 means 256 MiB.
	Backlog int64
	// KeepInLog is for how long frames stay in the log that shared states have, so that a
	// node without an answer finds them there; 0 means two minutes.
	KeepInLog time.Duration
	// Pause is how long to wait before something is tried again; 0 means a second.
	Pause time.Duration
	// EventTypes are accepted here beside those that every node has, which are BuiltIn.
	EventTypes, BuiltIn []string
	// ServesAlone is set where a node that is cut off from the log is as good as any: it takes
	// records, and readers do with what it has.
	ServesAlone bool
	// Logger is told what happens; nil discards it.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	orElse := func(value *time.Duration, otherwise time.Duration) {
		if *value == 0 {
			*value = otherwise
		}
	}
	orElse(&o.Window, 100*time.Millisecond)
	orElse(&o.Gather, min(10*o.Window, time.Second))
	orElse(&o.Share, time.Minute)
	orElse(&o.KeepInLog, 2*time.Minute)
	orElse(&o.Pause, time.Second)
	if o.Backlog == 0 {
		o.Backlog = 256 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// A Member joins one keeper to a log. Make it before the keeper, which gets its Follower.
type Member struct {
	options Options
	outbox  *outbox
	figures figures

	keeper *snapshot.Keeper
	failed chan error
	// imported is what became of the import that waited.
	imported chan error
	cancel   context.CancelFunc
	ended    chan struct{}
	joined   chan struct{} // closed after the first join

	// pending and published belong to one session at a time.
	pending   []ownFrame
	published published
	resumed   bool
	taken     bool // the log has another frame under the number of the first pending one
	// overtaken is the announcement of an import that was told, and under whose number the log
	// has another one now; nil for none.
	overtaken []ownFrame
	// stepsBack is how often in a row the log ended before what was read of it.
	stepsBack int
	// sharedUpTo is the commit of the last state that was shared.
	sharedUpTo uint64
	// shareAgain is when the next one may be, in whatever session: see shareRate.
	shareAgain time.Time
}

// New makes a member. Nothing happens before Start.
func New(options Options) *Member {
	options = options.withDefaults()
	return &Member{
		options: options, outbox: newOutbox(),
		failed: make(chan error, 1), imported: make(chan error, 1), ended: make(chan struct{}), joined: make(chan struct{}),
	}
}

// Follower is to be told of the keeper's commits.
func (m *Member) Follower() snapshot.Follower { return m.outbox }

// Start joins a keeper that takes no records yet. It waits for the log as long as the
// context lives, and returns nil even if that was too short: the member goes on trying,
// and what is counted waits. The error is one that a person or Adopt must end; the
// member does nothing then, but Close must be called.
func (m *Member) Start(ctx context.Context, keeper *snapshot.Keeper) error {
	m.keeper = keeper
	m.outbox.begin(keeper)
	running, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	go func() {
		defer close(m.ended)
		if err := m.run(running); err != nil {
			m.failed <- err
		}
	}()
	select {
	case <-m.joined:
	case err := <-m.failed:
		return err
	case <-ctx.Done():
		m.options.Logger.Warn("the log is not reached yet; what is counted waits for it")
	}
	return nil
}

// Failed receives an error that only a start can end.
func (m *Member) Failed() <-chan error { return m.failed }

// Flush waits until all that was counted before is in the log, or the context ends.
func (m *Member) Flush(ctx context.Context) error {
	return m.outbox.flushAll(ctx)
}

// Close ends what the member does. What is not in the log yet will be told after the
// next start.
func (m *Member) Close() {
	if m.cancel == nil {
		return
	}
	m.cancel()
	<-m.ended
	m.outbox.close()
}

// run opens the log and works with it, again and again.
func (m *Member) run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := m.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errAnnounced) || errors.Is(err, errOvertaken) {
			continue
		}
		if needsStart(err) || errors.Is(err, cluster.ErrUnsuitable) && !m.isJoined() {
			return err
		}
		m.complain("the log cannot be used; it is tried again", err)
		if pause(ctx, m.options.Pause) != nil {
			return nil
		}
	}
	return nil
}

// needsStart says whether an error ends the process. A directory that must not join says
// so at a start; one that serves already goes on alone, and says that it does.
func needsStart(err error) bool {
	return errors.Is(err, ErrAdopt) || errors.Is(err, ErrStranger)
}

// session works with the log until something calls for a new look at it.
func (m *Member) session(ctx context.Context) error {
	link, err := m.options.Open(ctx)
	if err != nil {
		return err
	}
	defer link.Close()
	s := &session{Member: m, life: ctx, link: link}
	if err := s.join(ctx); err != nil {
		return err
	}
	m.figures.note(nil)
	if !m.isJoined() {
		close(m.joined)
	}
	return s.work(ctx)
}

// isJoined says whether the log was met since the start.
func (m *Member) isJoined() bool {
	select {
	case <-m.joined:
		return true
	default:
		return false
	}
}

// A session is a member while it has one open log.
type session struct {
	*Member
	life  context.Context // the member's
	link  *Link
	epoch cluster.Epoch
	// lackingSince is when a state was first seen to have frames that this one lacks and
	// has read over, in nanoseconds since 1970; 0 for none.
	lackingSince atomic.Int64
	ends         []timedPosition
	// announcement is of the import that waits, which counting are to count; none if it has
	// no sequence number.
	announcement cluster.Frame
	counting     []cluster.Frame
	unshared     *candidate   // that was to be shared and is not; nil for none: of share's goroutine
	eventTypes   []string     // that nodes were found to have, and
	said         string       // what was said last of them: of look's goroutine
	expiry       counters.Day // that tend has had others told of; belongs to it
	payload      []byte       // memory of the last frame's, for the next one: of send's goroutine
}

// work does everything at the same time until something fails that is not passing.
func (s *session) work(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tasks := []func(context.Context) error{s.send, s.look, s.tend}
	if !s.options.Ingest {
		tasks = append(tasks, s.merge, s.share, s.announce)
	}
	outcomes := make(chan error, len(tasks))
	var working sync.WaitGroup
	for _, task := range tasks {
		working.Go(func() { outcomes <- s.repeat(ctx, task) })
	}
	err := <-outcomes
	cancel()
	working.Wait()
	return err
}

// repeat does a task again after what passes.
func (s *session) repeat(ctx context.Context, task func(context.Context) error) error {
	for {
		err := task(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
		case needsStart(err), errors.Is(err, errAnnounced), errors.Is(err, errOvertaken), errors.Is(err, cluster.ErrFenced), errors.Is(err, cluster.ErrTaken), errors.Is(err, cluster.ErrEpoch), errors.Is(err, cluster.ErrTrimmed), errors.Is(err, cluster.ErrBehind), errors.Is(err, snapshot.ErrClosing):
			return err
		default:
			s.complain("trouble with the log; it is tried again", err)
		}
		if pause(ctx, s.options.Pause) != nil {
			return ctx.Err()
		}
	}
}

// complainEvery is how often the same trouble is logged.
const complainEvery = time.Minute

// complain logs trouble, unless it is the same as before.
func (m *Member) complain(message string, err error) {
	if m.figures.note(err) {
		m.options.Logger.Warn(message, "error", err)
	}
}

// pause waits, and returns the context's error if that ends first.
func pause(ctx context.Context, how time.Duration) error {
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
