package member

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"stats-recorder/cluster"
)

// ErrSkew means that the clock of this machine is far from that of the log's servers.
var ErrSkew = errors.New("the clock is far from that of the log's servers")

const (
	// lookEvery is how often a node asks the log where it ends.
	lookEvery = time.Second
	// mostSkew is how far the clocks may be apart: a record without a time counts in the
	// hour that the clock shows.
	mostSkew = 30 * time.Second
	// mostLag is how old what a node has merged may be before it is not ready any more.
	mostLag = 10 * time.Second
	// mostSilence is how long ago the log may have answered last before it is away. It is less
	// than mostLag, so that a node without the log is not taken for one that is behind it.
	mostSilence = mostLag / 2
)

// figures are what a member shows of itself.
type figures struct {
	mu        sync.Mutex
	trouble   error
	refused   error  // why the log did not take the last frame, nil if it did
	said      string // trouble that was logged last, and when
	saidAt    time.Time
	reachedAt time.Time
	countedAt time.Time // when it last had all that the log had
	position  cluster.Position
	end       cluster.Position
	looks     []timedPosition // where the log ended, and is not merged yet, oldest first
	skew      time.Duration
	sharedAt  time.Time
	nodes     int
	apart     bool // whether shared states with the same frames have other counts
	used      int64
	limit     int64
	differing []string

	failingSince atomic.Int64 // when appends began to fail, in nanoseconds since 1970; 0 if they do not

	appended, appendedBytes, merged, skipped, repeated atomic.Uint64
}

// note takes trouble, or that there is none, and says whether it is news.
func (f *figures) note(err error) (isNews bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble = err
	if err == nil {
		f.reachedAt = time.Now()
		return false
	}
	isNews = err.Error() != f.said || time.Since(f.saidAt) >= complainEvery
	if isNews {
		f.said, f.saidAt = err.Error(), time.Now()
	}
	return isNews
}

// noteAppend takes what became of an append.
func (f *figures) noteAppend(err error, bytes int) {
	if err == nil {
		f.appended.Add(1)
		f.appendedBytes.Add(uint64(bytes))
	}
	f.mu.Lock()
	f.refused = err
	f.mu.Unlock()
	if err == nil {
		f.failingSince.Store(0)
		return
	}
	f.failingSince.CompareAndSwap(0, time.Now().UnixNano())
}

// see takes up to where the log is merged.
func (f *figures) see(position cluster.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position = position
	f.passLooks()
}

// begin is see for what may be another log.
func (f *figures) begin(position cluster.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position, f.looks = position, nil
}

// mostLooks is how many ends of the log are remembered that are not merged yet.
const mostLooks = 64

// passLooks takes the ends of the log that are merged. While others go on to count, what is
// merged never reaches the end that the log has by then: it is all that the log had
// at a moment before.
func (f *figures) passLooks() {
	for len(f.looks) > 0 && f.looks[0].position.Sequence <= f.position.Sequence {
		f.countedAt, f.looks = f.looks[0].at, f.looks[1:]
	}
}

// look asks the log where it ends.
func (s *session) look(ctx context.Context) error {
	s.figures.begin(s.keeper.Membership().Covered.Position)
	for {
		asked := time.Now()
		_, last, err := s.link.Log.Bounds(ctx)
		if err != nil {
			return err
		}
		if err := s.askServers(ctx); err != nil {
			return err
		}
		s.figures.reach(asked, last, s.options.Ingest)
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// reach takes where the log ended at a time.
func (f *figures) reach(asked time.Time, last cluster.Position, ingest bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reachedAt, f.end = asked, last
	if f.trouble != nil && !errors.Is(f.trouble, ErrUnreadable) {
		f.trouble = nil
	}
	if ingest {
		f.countedAt = asked
		return
	}
	if len(f.looks) == mostLooks { // the oldest ones matter: they are merged first
		f.looks = f.looks[:mostLooks-1]
	}
	f.looks = append(f.looks, timedPosition{asked, last})
	f.passLooks()
}

// askServers compares the clocks, and asks how much room the log has.
func (s *session) askServers(ctx context.Context) error {
	if s.link.Ask == nil {
		return nil
	}
	asked := time.Now()
	said, err := s.link.Ask(ctx)
	if err != nil {
		return err
	}
	answered, theirs := time.Now(), said.Now
	skew := time.Duration(0) // the answer may be of any moment in between
	switch {
	case theirs.Before(asked):
		skew = theirs.Sub(asked)
	case theirs.After(answered):
		skew = theirs.Sub(answered)
	}
	s.agreeOnEventTypes(ctx, said.EventTypes)
	s.figures.mu.Lock()
	defer s.figures.mu.Unlock()
	s.figures.skew, s.figures.used, s.figures.limit, s.figures.differing = skew, said.Used, said.Limit, said.Differing
	return nil
}

// A Status is what there is to say of a member at one moment.
type Status struct {
	// Joined says whether the log was met since the start.
	Joined bool
	// Trouble is what keeps the node from working with the log; nil for nothing.
	Trouble error
	// Origin is under which the node makes frames, and Sequence the last one.
	Origin   cluster.Origin
	Sequence uint64
	// Covered are the frames that the node has.
	Covered *cluster.Covered
	// Position is up to where the log is merged, End where it ended when it was last asked.
	Position, End cluster.Position
	// CountedAt is when the node last had all that the log had, ReachedAt when the log last
	// answered; the zero time for never.
	CountedAt, ReachedAt time.Time
	// Lag is how long ago that is; -1 for never.
	Lag time.Duration
	// Skew is how far the clock of the log's servers is ahead of this one.
	Skew time.Duration
	// Waiting is how many bytes of counters wait to be told, and Failing for how long the
	// log has refused them.
	Waiting int64
	Failing time.Duration
	// ToldUntil is a moment before which all is in the log that was acknowledged here until
	// then; the zero time while that is not known. If the disk is gone for good, what was
	// acknowledged later is lost.
	ToldUntil time.Time
	// Outbox is how many frames are kept because most nodes may lack them.
	Outbox int
	// Appended, AppendedBytes, Merged and Skipped are frames since the start: told, and
	// their bytes; those of others that were merged; those that were there already. Repeated
	// are those that the log had lost and was given again.
	Appended, AppendedBytes, Merged, Skipped, Repeated uint64
	// SharedAt is when the state was last shared; the zero time for never. Nodes is how
	// many nodes share states.
	SharedAt time.Time
	Nodes    int
	// Apart is set while shared states with the same frames have other counts.
	Apart bool
	// Used is how many bytes the log has, and Limit how many it takes; 0 where it does not say.
	Used, Limit int64
	// Differing are settings that other nodes have otherwise, in words.
	Differing []string
}

// Status says how the member is.
func (m *Member) Status() Status {
	status := Status{Lag: -1, Waiting: m.outbox.bytes.Load(), ToldUntil: m.outbox.toldUntil(), Outbox: len(m.published.list())}
	if known := m.keeper.Membership(); known != nil {
		status.Origin, status.Sequence, status.Covered = known.Origin, known.Sequence, &known.Covered
	}
	f := &m.figures
	status.Appended, status.AppendedBytes, status.Repeated = f.appended.Load(), f.appendedBytes.Load(), f.repeated.Load()
	status.Merged, status.Skipped = f.merged.Load(), f.skipped.Load()
	status.Joined = m.isJoined()
	f.mu.Lock()
	defer f.mu.Unlock()
	status.Trouble, status.Position, status.End = f.trouble, f.position, f.end
	status.CountedAt, status.ReachedAt = f.countedAt, f.reachedAt
	status.Skew, status.SharedAt, status.Nodes = f.skew, f.sharedAt, f.nodes
	status.Apart, status.Used, status.Limit, status.Differing = f.apart, f.used, f.limit, f.differing
	if status.Trouble == nil {
		status.Trouble = f.refused // a log that is full answers, and takes nothing
	}
	if !f.countedAt.IsZero() {
		status.Lag = time.Since(f.countedAt)
	}
	if since := f.failingSince.Load(); since != 0 {
		status.Failing = time.Since(time.Unix(0, since))
	}
	return status
}

// Counted is the position up to which the node had merged the log at a moment before the
// call, and when it last had all of it.
func (m *Member) Counted() (position uint64, at time.Time) {
	m.figures.mu.Lock()
	defer m.figures.mu.Unlock()
	return m.figures.position.Sequence, m.figures.countedAt
}

// Ready is why the node should get no requests, or nil. One that must have the log to
// acknowledge or to answer is not ready without it. Others are: were all nodes to say no,
// nobody would get what each of them can take. A node that has never met the log has
// nothing of what others know, and one that is behind a log which answers has less than others.
func (m *Member) Ready() error {
	status := m.Status()
	switch {
	case needsPerson(status.Trouble):
		return status.Trouble
	case status.Skew.Abs() > mostSkew:
		return fmt.Errorf("%w: %s", ErrSkew, status.Skew)
	case m.options.ServesAlone && status.Covered != nil && time.Since(status.ReachedAt) > mostSilence:
		return nil
	case !status.Joined && status.Trouble != nil:
		return fmt.Errorf("%w: %w", ErrNotJoined, status.Trouble)
	case !status.Joined:
		return ErrNotJoined
	case status.Lag < 0 || status.Lag > mostLag:
		return fmt.Errorf("behind the log: it has merged up to %d of %d, and had all %s ago", status.Position.Sequence, status.End.Sequence, status.Lag.Round(time.Second))
	}
	return nil
}

// needsPerson says whether trouble lasts until somebody does something.
func needsPerson(trouble error) bool {
	for _, lasting := range []error{cluster.ErrEpoch, cluster.ErrUnsuitable, cluster.ErrFormat, ErrUnreadable} {
		if errors.Is(trouble, lasting) {
			return true
		}
	}
	return false
}
