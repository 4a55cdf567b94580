package member

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot"
)

// entryBytes is about how much memory a counter takes that waits: an entry, and its place
// while entries are sorted.
const entryBytes = 32

// A parcel is what was counted here in the commits up to one.
type parcel struct {
	counted counters.Gathering
	upTo    uint64
	// since is a moment before which none of it was acknowledged; the zero time for one that
	// has counts of before this process.
	since time.Time
}

// An outbox gathers what was counted here until it is told. The committing goroutine
// fills it, one other empties it.
//
// A state can only be shared if every count in it is in a frame, whole. So the outbox
// can be told to close the parcel at the commit at which a snapshot freezes the base.
type outbox struct {
	mu      sync.Mutex
	changed chan struct{} // closed when anything changes; nil if nobody waits for that
	keeper  *snapshot.Keeper
	ended   bool

	bytes atomic.Int64 // of the counters that wait

	open     parcel
	closed   *parcel     // ends where a snapshot was frozen; nil for none
	inFlight []time.Time // since of the parcels that were taken and are not told yet, in order
	told     uint64      // commit up to which all that was counted here is in the log
	resumed  bool        // what this process found untold is among that
	seen     time.Time   // when the last commit was that Committed was called for

	expiry counters.Day // to be told of; 0 for none

	cut       bool // close the parcel at the next snapshot
	candidate *candidate

	tickets  map[*counters.Ticket]*counters.Ticket // by the keeper's, those that wait for the log
	awaiting []awaiting                            // by commit
}

// A candidate is a snapshot that may be shared once the log has all that is counted in it.
type candidate struct {
	sequence uint64
	known    *cluster.Membership
}

// awaiting is a ticket of a commit that must be in the log.
type awaiting struct {
	sequence uint64
	ticket   *counters.Ticket
}

func newOutbox() *outbox {
	return &outbox{tickets: map[*counters.Ticket]*counters.Ticket{}}
}

// begin says whose commits these are, and that none was told yet.
func (o *outbox) begin(keeper *snapshot.Keeper) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keeper = keeper
}

// Committed is for the keeper, see snapshot.Follower.
func (o *outbox) Committed(sequence uint64, delta *counters.Delta) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = o.keeper.LastCommit()
	before := o.open.counted.Len()
	if before == 0 {
		o.open.since = o.seen
	}
	o.open.counted.Add(delta)
	o.open.upTo = sequence
	if o.open.counted.Len() == before && !o.gathers() {
		o.tell(sequence)
		return
	}
	o.notify()
}

// Frozen is for the keeper, see snapshot.Follower.
func (o *outbox) Frozen(sequence uint64, known *cluster.Membership) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.cut || known == nil {
		return
	}
	if o.open.counted.Len() == 0 {
		o.open.since = time.Now() // all that was acknowledged before is told, or in what was taken
	}
	if o.closed == nil {
		o.closed = &parcel{since: o.open.since}
	}
	o.closed.counted.Take(&o.open.counted)
	o.closed.upTo = sequence
	o.candidate = &candidate{sequence, known}
	o.notify()
}

// gathers says whether anything waits. The caller holds the lock, as for all that
// follows in lower case without a lock of its own.
func (o *outbox) gathers() bool {
	return len(o.inFlight) > 0 || o.closed != nil || o.open.counted.Len() > 0
}

func (o *outbox) notify() {
	waiting := o.open.counted.Len()
	if o.closed != nil {
		waiting += o.closed.counted.Len()
	}
	o.bytes.Store(int64(waiting) * entryBytes)
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// change is closed when anything changes from now on.
func (o *outbox) change() <-chan struct{} {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

// tell says that the log has all that was counted here up to a commit.
func (o *outbox) tell(sequence uint64) {
	o.told = max(o.told, sequence)
	for !o.ended && len(o.awaiting) > 0 && o.awaiting[0].sequence <= o.told {
		o.awaiting[0].ticket.Settle(nil)
		o.awaiting = o.awaiting[1:]
	}
	o.notify()
}

// restore adds what was counted before this process started.
func (o *outbox) restore(counted *counters.Gathering, upTo uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.resumed = true; counted.Len() > 0 {
		o.open.since = time.Time{}
	}
	o.open.counted.Take(counted)
	o.open.upTo = max(o.open.upTo, upTo)
	o.notify()
}

// resume says that frames which nothing of here was gathered into wait for the log, too: done
// or putBackResumed must follow for them.
func (o *outbox) resume() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight = append(o.inFlight, time.Time{})
}

// putBackResumed takes back what resume said of frames that could not be noted.
func (o *outbox) putBackResumed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight = o.inFlight[:len(o.inFlight)-1]
	o.notify()
}

// take takes the next parcel, nil for none. A parcel without counts is told at once. putBack
// or done must follow before the next take.
func (o *outbox) take() *parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil && o.closed.counted.Len() == 0 {
		upTo := o.closed.upTo
		o.closed = nil
		o.tell(upTo)
	}
	taken := o.closed
	switch {
	case taken != nil:
		o.closed = nil
	case o.open.counted.Len() > 0:
		taken = &parcel{upTo: o.open.upTo, since: o.open.since}
		taken.counted.Take(&o.open.counted)
	default:
		return nil
	}
	o.inFlight = append(o.inFlight, taken.since)
	o.notify()
	return taken
}

// awaitWork waits until there is something to tell, or the context ends.
func (o *outbox) awaitWork(ctx context.Context) error {
	return o.await(ctx, func() bool { return o.closed != nil || o.open.counted.Len() > 0 || o.expiry != 0 })
}

// setExpiry has others be told that this node lets go of days.
func (o *outbox) setExpiry(before counters.Day) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expiry = max(o.expiry, before)
	o.notify()
}

// takeExpiry takes that, 0 for none. Else done or putBackExpiry must follow.
func (o *outbox) takeExpiry() (before counters.Day) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if before, o.expiry = o.expiry, 0; before != 0 {
		o.inFlight = append(o.inFlight, time.Now())
	}
	return before
}

// putBackExpiry gives back what could not be noted.
func (o *outbox) putBackExpiry(before counters.Day) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight = o.inFlight[:len(o.inFlight)-1]
	o.expiry = max(o.expiry, before)
	o.notify()
}

// putBack gives back what could not be noted.
func (o *outbox) putBack(p *parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight = o.inFlight[:len(o.inFlight)-1]
	if o.closed == nil {
		o.closed = p // and not open: it may end where a snapshot was frozen
	} else {
		o.closed.counted.Take(&p.counted)
		o.closed.since = p.since
	}
	o.notify()
}

// done says that the log has a parcel.
func (o *outbox) done(upTo uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inFlight = o.inFlight[1:]
	if !o.gathers() {
		upTo = max(upTo, o.open.upTo)
	}
	o.tell(upTo)
}

// toldUntil is a moment before which all was told that was acknowledged until then; the zero
// time while that is not known, because counts of before this process wait.
func (o *outbox) toldUntil() time.Time {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.resumed:
		return time.Time{}
	case len(o.inFlight) > 0:
		return o.inFlight[0]
	case o.closed != nil && o.closed.counted.Len() > 0: // it is empty where nothing waited as a snapshot was frozen
		return o.closed.since
	case o.open.counted.Len() > 0:
		return o.open.since
	}
	if last := o.keeper.LastCommit(); last.After(o.seen) {
		return last // Committed is about to be called for it
	}
	return now
}

// idleAt is a commit up to which nothing waits that was counted here; 0 if something does.
func (o *outbox) idleAt() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gathers() {
		return 0
	}
	return o.open.upTo
}

// flush waits until the log has all up to a commit that the outbox was given.
func (o *outbox) flush(ctx context.Context, sequence uint64) error {
	return o.await(ctx, func() bool { return o.told >= sequence || !o.gathers() })
}

// flushAll waits until the log has all that was acknowledged before. Who waits for a commit
// is woken before the outbox is given it.
func (o *outbox) flushAll(ctx context.Context) error {
	sequence, last := o.keeper.Sequence(), o.keeper.LastCommit()
	if err := o.await(ctx, func() bool { return !last.After(o.seen) }); err != nil {
		return err
	}
	return o.flush(ctx, sequence)
}

// await waits until something is so, or the context ends.
func (o *outbox) await(ctx context.Context, isSo func() bool) error {
	for {
		o.mu.Lock()
		if isSo() {
			o.mu.Unlock()
			return nil
		}
		changed := o.change()
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// setCut says whether the next snapshot may be shared.
func (o *outbox) setCut(cut bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cut = cut
}

// takeCandidate is the last snapshot that may be shared, nil for none since the last call.
func (o *outbox) takeCandidate() *candidate {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.candidate
	o.candidate = nil
	return taken
}

// close forgets those who wait. They get no answer: what they recorded is counted here, and
// told after the next start, so that it must not be refused, and the log does not have it
// yet, so that it must not be acknowledged.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
}

// release ends the waiting of those who were forgotten, once nobody can be told any more.
func (o *outbox) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, forgotten := range o.awaiting {
		forgotten.ticket.Settle(ErrAdopt)
	}
	o.awaiting = nil
}

// logTicket is, for the ticket of a keeper, one that is settled when the log has it too.
func (o *outbox) logTicket(durable *counters.Ticket) *counters.Ticket {
	o.mu.Lock()
	if ticket, found := o.tickets[durable]; found {
		o.mu.Unlock()
		return ticket
	}
	ticket := counters.NewTicket(durable)
	o.tickets[durable] = ticket
	o.mu.Unlock()
	durable.Notify(func() { o.isDurable(durable, ticket) })
	return ticket
}

// isDurable is called once a commit is durable, before or after Committed. The commit is
// then among those that the keeper has counted.
func (o *outbox) isDurable(durable, ticket *counters.Ticket) {
	err := durable.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.tickets, durable)
	switch {
	case err != nil:
		ticket.Settle(err)
	case o.ended: // see close
	case o.told >= o.keeper.Sequence():
		ticket.Settle(nil)
	default:
		o.awaiting = append(o.awaiting, awaiting{o.keeper.Sequence(), ticket})
	}
}

// now is the hour that frames are dated with.
func now() counters.Hour { return counters.HourOf(time.Now()) }
