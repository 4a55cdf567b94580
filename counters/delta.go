package counters

import "sync"

// A Ticket tells those who added to a store what became of their records.
type Ticket struct {
	done chan struct{}
	err  error
	// numbering is the store's when the delta was sealed.
	numbering uint64
	durable   *Ticket // that it is settled after; nil for none

	mu      sync.Mutex
	notices []func() // to call when it is settled, guarded by mu
}

func newTicket() *Ticket { return &Ticket{done: make(chan struct{})} }

// NewTicket makes a ticket for those who must wait for more than a delta, whose ticket is
// settled before, or nil. Whoever makes it settles it, once.
func NewTicket(durable *Ticket) *Ticket {
	t := newTicket()
	t.durable = durable
	return t
}

// Numbering is by which the records are numbered that are durable, once Wait need not wait any
// more, see Store.Numbering.
func (t *Ticket) Numbering() uint64 {
	if t.durable != nil {
		return t.durable.Numbering()
	}
	return t.numbering
}

// Settle tells those who wait what became of their records.
func (t *Ticket) Settle(err error) { t.settle(err) }

// Wait returns once the delta that holds the caller's batch has been settled:
// nil when it is durable, else why it is not and was dropped. A nil ticket has
// nothing to wait for.
func (t *Ticket) Wait() error {
	if t == nil {
		return nil
	}
	<-t.done
	return t.err
}

// Done is closed when Wait need not wait any more.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Settled says whether Wait need not wait any more.
func (t *Ticket) Settled() bool {
	if t == nil {
		return true
	}
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// Notify has notice called once Wait need not wait any more, by the goroutine
// that settles the delta, which it must not keep waiting. It is for those who have
// many to answer and do not want to be woken for each.
func (t *Ticket) Notify(notice func()) {
	if !t.noted(notice) {
		notice()
	}
}

// noted keeps a notice for later, unless the ticket is settled.
func (t *Ticket) noted(notice func()) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Settled() {
		return false
	}
	t.notices = append(t.notices, notice)
	return true
}

func (t *Ticket) settle(err error) {
	t.mu.Lock()
	t.err = err
	close(t.done)
	notices := t.notices
	t.mu.Unlock()
	for _, notice := range notices {
		notice()
	}
}

// An Entry is one counter of a Delta.
type Entry struct {
	increment increment
	// Count is how often the counter was bumped in this delta.
	Count uint64
}

// Benefit is the benefit that the entry counts for.
func (e Entry) Benefit() Benefit { return e.increment.benefit() }

// Key says what the entry counts.
func (e Entry) Key() Key { return e.increment.key() }

// Renumbered is the entry with the numbers that another list of names has for its
// benefit and its event type.
func (e Entry) Renumbered(benefit Benefit, event EventType) Entry {
	return Entry{newIncrement(benefit, e.Key().ofEvent(event)), e.Count}
}

// DiffersInPlaceAlone says whether another entry is of the same benefit, event type and
// version.
func (e Entry) DiffersInPlaceAlone(other Entry) bool {
	return (e.increment^other.increment)>>PlaceBits == 0
}

// A Span is the part of a Delta that lies in one hour and one shard, sorted by
// benefit, then key, each pair once.
type Span struct {
	Hour    Hour
	Entries []Entry
	// Merged is set for what came through Store.Merge: another store tells of it.
	Merged bool
	shard  int
}

// A Delta is everything that was added between two seals. Whole batches only: a
// batch is in one delta. It belongs to the goroutine that sealed it and has two
// ends, of which one must be called, once: Commit or Reject. What it holds may be
// read until the next Seal.
type Delta struct {
	// Spans are what to write down.
	Spans []Span
	// Marks are those of its batches, merges among them.
	Marks []Mark
	// Benefits and Events are how many names the store knew when it was sealed;
	// no entry has a higher number.
	Benefits, Events int
	// Batches is how many it holds, merges among them, and Records how many the
	// other batches have.
	Batches, Records int
	// Notes came with merges, see Store.Merge.
	Notes [][]byte

	store           *Store
	ticket          *Ticket
	scratch, second []increment
	// entries are those of the spans that were counted here, in block.
	entries []Entry
	block   *block
	merged  []*block // of the spans of merges
	// isKept is set once a Gathering has the entries: they must stay as they are.
	isKept bool
}

// Commit says that the delta is durable: readers see it, those who wait for it are
// woken, and then it is folded, which nobody needs to wait for.
func (d *Delta) Commit() {
	d.store.show(d)
	d.store.keptBenefits = d.Benefits
	d.store.settled.Add(1) // after readers see it, before anybody is told
	d.ticket.settle(nil)
	d.store.fold(d)
	d.store.limits.waiting.Add(-int64(d.Records))
}

// Reject says that the delta cannot be made durable. Those who wait for it get the
// reason, and none of it counts.
func (d *Delta) Reject(reason error) {
	d.store.drop()
	d.store.forgetRejected()
	d.store.limits.waiting.Add(-int64(d.Records))
	d.store.settled.Add(1)
	d.ticket.settle(reason) // last: whoever is told finds nothing of it any more
}

// reset prepares a delta for reuse, keeping its memory.
func (d *Delta) reset(s *Store) {
	d.store = s
	const keep = 1 << 18
	if cap(d.scratch) > keep {
		d.scratch, d.second = nil, nil
	}
	d.Spans = d.Spans[:0]
	for _, of := range d.merged {
		of.release()
	}
	d.merged = nil
	d.Records = 0
}

// makeRoom makes room for at most so many entries.
func (d *Delta) makeRoom(most int) {
	room, least := d.entries[:0], most+most/4
	if d.isKept {
		room, least = d.entries[len(d.entries):], max(least, usualBlock)
	}
	if cap(room) < most || d.block.isOversized(least) {
		d.block.release()
		d.block = newBlock(&freeBlocks, least)
		room = d.block.memory[:0]
	}
	d.entries, d.isKept = room, false
}

// compact appends what a shard gathered, sorted and added up. It reads the
// shard's log and leaves it as it is, because readers may be reading it. There must be room for all.
func (d *Delta) compact(shard int, sealed *increments) {
	d.compactHour(shard, sealed.hour, sealed.log)
	for hour, log := range sealed.others {
		d.compactHour(shard, hour, log)
	}
	d.Spans = append(d.Spans, sealed.merged...)
}

func (d *Delta) compactHour(shard int, hour Hour, log []increment) {
	if len(log) == 0 {
		return
	}
	d.Records += len(log)
	d.scratch = append(d.scratch[:0], log...)
	d.scratch, d.second = sortIncrements(d.scratch, d.second)
	start := len(d.entries)
	for _, increment := range d.scratch {
		if last := len(d.entries) - 1; last >= start && d.entries[last].increment == increment {
			d.entries[last].Count++
			continue
		}
		d.entries = append(d.entries, Entry{increment: increment, Count: 1})
	}
	d.Spans = append(d.Spans, Span{Hour: hour, Entries: d.entries[start:len(d.entries):len(d.entries)], shard: shard})
}
