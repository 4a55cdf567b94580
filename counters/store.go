package counters

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// A Visibility says from when on readers see a record.
type Visibility int

const (
	// WhenDurable shows a record once its Delta is committed, for stores whose
	// writers wait for their Ticket.
	WhenDurable Visibility = iota
	// WhenAdded shows a record as soon as Add has returned, for stores whose
	// writers do not wait.
	WhenAdded
)

// A Store holds all counts in lock-sharded layers. A benefit lives in one
// shard. There, its records are first in the active layer, then sealed while
// they are being made durable, then folded into the base, or into the overlay
// while the base is frozen. A reader sums the layers of a shard under its
// locks, so that it sees each record once.
//
// Any number of goroutines may call Add, Merge and the reading methods, and use
// the directories. Seal, what becomes of a delta, and Freeze belong to one goroutine.
type Store struct {
	// Benefits numbers the benefits' names: Benefit(n) is the name of number n.
	Benefits *Directory
	// Events numbers the event types' names: EventType(n+1) is that of number n.
	Events *Directory
	// Words numbers the texts that the keys of further kinds speak of, at most MaxWords.
	Words *Directory

	kinds      Kinds
	seed       uint64
	visibility Visibility
	shards     []shard

	// gate is held by adders while a batch goes in, shard by shard, and by the
	// sealer while it takes the shards' logs: a batch is sealed whole.
	gate   sync.RWMutex
	ticket *Ticket // of the next delta, guarded by gate
	sealed *Ticket // of the last delta, guarded by gate; nil before the first
	shut   bool    // no batch goes in any more, guarded by gate
	marks  marks   // that go into the next delta
	// gathered is how many batches were added since the last seal; when it
	// reaches target, wake receives.
	gathered, target atomic.Int64
	wake             chan struct{}

	limits limits

	eventTypes sync.Mutex // held while an event type takes a number to count under
	// keptEvents are event types that there is always room for, guarded by eventTypes.
	keptEvents []string
	// agreedEvents are those under which records may count here, if hasAgreed, and whenAgreed
	// is told of them, guarded by eventTypes.
	agreedEvents []string
	hasAgreed    bool
	whenAgreed   []func()
	otherEvents  atomic.Uint64
	// countedEvents has a bit, by its number, for each event type of which counters were
	// restored or replayed.
	countedEvents atomic.Uint64
	merges        merges

	// keptBenefits is how many names of benefits are not only of records that may yet be
	// rejected; it belongs to the committing goroutine. renumbered grows when the others
	// were forgotten, guarded by gate.
	keptBenefits int
	renumbered   atomic.Uint64

	// visible is how many deltas readers see: those that were committed.
	visible atomic.Uint64
	moments moments
	// settled is how many deltas were committed or rejected, and sealedBatches how many
	// batches were ever sealed, guarded by gate; see Edition.
	settled       atomic.Uint64
	sealedBatches uint64
	spare         Delta
}

// shard is padded, so that the locks of two shards never share a cache line.
type shard struct {
	intake struct {
		sync.Mutex
		active increments
		sealed increments
		// delta is the number of the sealed one: that of the next to be visible.
		delta uint64
	}
	_ [64]byte

	// layers is locked by folds and readers, never by writers. It is locked
	// before intake.
	layers sync.Mutex
	// tables is locked, after layers, while base and overlay change, and for reading by
	// writers that ask for a counter: a reader copies for long, and holds up folds, but
	// no writer.
	tables  sync.RWMutex
	base    layer
	overlay layer // open days, while the base is frozen
	frozen  bool  // the base is being read without a lock: fold into the overlay
	_       [64]byte
}

// NewStore returns an empty store of the built-in kinds.
func NewStore(visibility Visibility) *Store { return NewStoreOf(nil, visibility) }

// NewStoreOf returns an empty store of the given kinds, or of the built-in ones
// for nil. Others come from Kinds.With.
func NewStoreOf(kinds Kinds, visibility Visibility) *Store {
	if kinds == nil {
		kinds = BuiltInKinds()
	}
	s := &Store{
		kinds:      kinds,
		Benefits:   NewDirectory(MaxBenefits),
		Events:     NewDirectory(MaxEventTypes),
		Words:      NewDirectory(MaxWords),
		seed:       rand.Uint64(),
		visibility: visibility,
		shards:     make([]shard, shardCount()),
		ticket:     newTicket(),
		wake:       make(chan struct{}, 1),
	}
	s.keptEvents = []string{OtherEvent}
	s.target.Store(1)
	s.limits.counters.Store(math.MaxInt64)
	for i := range s.shards {
		s.shards[i].base, s.shards[i].overlay = layer{}, layer{}
	}
	return s
}

// Kinds are the kinds that the store counts. The slice is shared: read only.
func (s *Store) Kinds() Kinds { return s.kinds }

// shardCount is a power of two, a few shards per processor: enough that two
// writers seldom meet, few enough that a batch takes few locks.
func shardCount() int {
	count := 8
	for count < 4*runtime.GOMAXPROCS(0) && count < 256 {
		count *= 2
	}
	return count
}

// NewBatch returns an empty batch for this store.
func (s *Store) NewBatch() *Batch {
	return &Batch{shards: make([][]increment, len(s.shards)), renumbered: &s.renumbered, seen: s.renumbered.Load()}
}

// Wake receives when there is something to seal: one batch, or as many as the
// last Expect said. It may also receive for nothing.
func (s *Store) Wake() <-chan struct{} { return s.wake }

// Gathered is how many batches have come since the last seal.
func (s *Store) Gathered() int { return int(s.gathered.Load()) }

// Expect says how many batches, at least one, Wake is to wait for from now on.
func (s *Store) Expect(batches int) {
	s.target.Store(int64(batches))
	if s.gathered.Load() >= int64(batches) {
		s.signal()
	}
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

var (
	// ErrShut is returned for a batch that comes after Shut.
	ErrShut = errors.New("the store takes no more batches")
	// ErrRenumbered is returned for a batch whose records were numbered before others were
	// rejected, and names with them.
	ErrRenumbered = errors.New("the records before these were rejected")
	// ErrWaiting is returned for a batch when as many records as Limits.Waiting wait for
	// their delta to be settled: the disk is slower than those who send.
	ErrWaiting = errors.New("too many records wait to be durable")
)

// Shut makes Add refuse. When it returns, every batch that was not refused is
// in; the ticket is that of the last ones, nil if there never were any. It may be
// called at any time.
func (s *Store) Shut() *Ticket {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.shut = true
	if s.gathered.Load() > 0 {
		return s.ticket
	}
	return s.sealed
}

// Add puts a batch into the active layer, whole. The ticket tells when it is
// durable; it is nil for a batch without records and mark, which has nothing to wait for. The batch
// may be reset and reused at once. After Shut it returns ErrShut, ErrWaiting where too many
// records wait, and ErrRenumbered at the moment when a delta is rejected.
func (s *Store) Add(b *Batch) (*Ticket, error) {
	if most := s.limits.mayWait.Load(); most > 0 && s.limits.waiting.Load() >= most {
		return nil, ErrWaiting
	}
	s.gate.RLock()
	if s.shut || (b.records == 0 && b.mark == nil) {
		return nil, s.turnAway()
	}
	if b.seen != s.renumbered.Load() {
		s.gate.RUnlock()
		return nil, ErrRenumbered
	}
	for i, log := range b.shards {
		if len(log) > 0 {
			s.shards[i].add(b.hour, log...)
		}
	}
	for _, e := range b.elsewhen {
		s.shards[s.shardOf(e.increment.benefit())].add(e.hour, e.increment)
	}
	if b.mark != nil {
		s.marks.add(*b.mark)
	}
	s.limits.waiting.Add(int64(b.records))
	return s.taken(), nil
}

// turnAway ends a stay behind the gate with which nothing went in.
func (s *Store) turnAway() error {
	defer s.gate.RUnlock()
	if s.shut {
		return ErrShut
	}
	return nil
}

// taken ends a stay behind the gate with which a batch went in.
func (s *Store) taken() *Ticket {
	ticket := s.ticket
	gathered := s.gathered.Add(1)
	s.gate.RUnlock()
	if gathered == s.target.Load() {
		s.signal()
	}
	return ticket
}

func (s *Store) shardOf(benefit Benefit) int { return int(benefit) & (len(s.shards) - 1) }

func (sh *shard) add(hour Hour, log ...increment) {
	sh.intake.Lock()
	sh.intake.active.add(hour, log...)
	sh.intake.Unlock()
}

// Seal takes what has gathered since the last seal. Commit or Reject must be called
// of the delta before the next Seal. It returns nil when nothing has gathered.
func (s *Store) Seal() *Delta {
	delta := &s.spare
	delta.reset(s)

	s.gate.Lock()
	delta.Batches = int(s.gathered.Swap(0))
	if delta.Batches == 0 {
		s.gate.Unlock()
		return nil
	}
	next := s.visible.Load() + 1
	for i := range s.shards {
		intake := &s.shards[i].intake
		intake.Lock()
		intake.active, intake.sealed = intake.sealed, intake.active
		intake.delta = next
		intake.Unlock()
	}
	s.sealedBatches += uint64(delta.Batches)
	delta.ticket, delta.Marks = s.ticket, s.marks.take()
	delta.Notes, delta.merged = s.merges.take()
	delta.ticket.numbering = s.renumbered.Load() // and so it stays until the delta is settled
	s.sealed, s.ticket = s.ticket, newTicket()
	delta.Benefits, delta.Events = s.Benefits.Len(), s.Events.Len()
	s.gate.Unlock()

	records := 0
	for i := range s.shards {
		records += s.shards[i].intake.sealed.len()
	}
	delta.makeRoom(records)
	for i := range s.shards {
		delta.compact(i, &s.shards[i].intake.sealed)
	}
	return delta
}

// fold adds a sealed delta to the base, or to the overlay while the base is frozen.
func (s *Store) fold(d *Delta) {
	for spans := d.Spans; len(spans) > 0; {
		shard := spans[0].shard
		n := 1
		for n < len(spans) && spans[n].shard == shard {
			n++
		}
		s.shards[shard].fold(s, spans[:n])
		spans = spans[n:]
	}
}

func (sh *shard) fold(s *Store, spans []Span) {
	sh.lock()
	defer sh.unlock()
	into := sh.base
	if sh.frozen {
		into = sh.overlay
	}
	for _, span := range spans {
		if span.Merged {
			into.at(s, span.shard, 0, span.Hour.Day()).beginStretches()
		}
		s.limits.existing.Add(int64(into.addRecords(s, span.shard, span.Hour, span.Entries)))
	}
	sh.forgetSealed()
}

// lock is taken by who changes base and overlay.
func (sh *shard) lock() {
	sh.layers.Lock()
	sh.tables.Lock()
}

func (sh *shard) unlock() {
	sh.tables.Unlock()
	sh.layers.Unlock()
}

// drop forgets a sealed delta.
func (s *Store) drop() {
	for i := range s.shards {
		s.shards[i].forgetSealed()
	}
}

func (sh *shard) forgetSealed() {
	sh.intake.Lock()
	sh.intake.sealed.clear()
	sh.intake.Unlock()
}
