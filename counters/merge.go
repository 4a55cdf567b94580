package counters

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"
)

// Foreign is what another store counted. Its benefits and event types have numbers
// of their own: those of the names in its lists. It is filled by Add, given to
// Store.Merge once, alone or with others, which ends it, and belongs to one goroutine.
type Foreign struct {
	// Benefits are the names of Benefit(0) and on, Events those of EventType(1) and on.
	// The bytes must stay as they are until it is merged.
	Benefits, Events [][]byte
	// Marks are those of the batches.
	Marks []Mark

	runs  []foreignRun
	cells []Cell
}

// foreignRun is the part of the cells that counts for one benefit in one hour, under keys
// that differ in their places only.
type foreignRun struct {
	hour       Hour
	benefit    Benefit
	head       Key    // the keys without their places
	largest    uint32 // place
	start, end int32
}

// cellBuffers are the cells of Foreigns that were merged, for others.
var cellBuffers = sync.Pool{New: func() any { return new([]Cell) }}

// NewForeign makes an empty one with room for about as many counters.
func NewForeign(counters int) *Foreign {
	buffer := cellBuffers.Get().(*[]Cell)
	return &Foreign{cells: slices.Grow((*buffer)[:0], counters)}
}

// release gives up the cells, which nobody may use any more.
func (f *Foreign) release() {
	cells := f.cells
	f.cells, f.runs = nil, nil
	cellBuffers.Put(&cells)
}

// Add adds counted records of one benefit and hour, or Undated. It returns ErrImpossibleCounts for
// what has no name, and for counts that no records can have made.
func (f *Foreign) Add(hour Hour, benefit Benefit, cells []Cell) error {
	if int(benefit) >= len(f.Benefits) || hour.Day() > MaxDay && hour != Undated {
		return fmt.Errorf("%w: benefit number %d of %d named, hour %d", ErrImpossibleCounts, benefit, len(f.Benefits), hour)
	}
	start := int32(len(f.cells))
	f.cells = append(f.cells, cells...)
	for len(cells) > 0 {
		run := foreignRun{hour: hour, benefit: benefit, head: cells[0].Key &^ placeMask, start: start}
		n, counts := 0, true
		for n < len(cells) && cells[n].Key&^placeMask == run.head {
			run.largest = max(run.largest, cells[n].Key.Place())
			counts = counts && cells[n].Count-1 < maxCount // which 0 is not, either
			n++
		}
		if !counts || !run.head.valid() || int(run.head.Event()) > len(f.Events) {
			return checkCells(nil, len(f.Events), cells[:n])
		}
		cells, start = cells[n:], start+int32(n)
		run.end = start
		f.runs = append(f.runs, run)
	}
	return nil
}

// Merge adds what other stores counted, as one batch: it is in the next delta, whole,
// and counts as records do, also where they make counters beyond the limits. Names
// get numbers of this store. It returns ErrShut after Shut, ErrDirectoryFull for names
// that no Key can number, and ErrImpossibleCounts for counts too large to be any. The
// note, if it is not empty, becomes one of the delta's: what must be durable exactly if
// these counts are. The ticket is nil where there is neither a count, a mark nor a note.
func (s *Store) Merge(note []byte, foreign ...*Foreign) (*Ticket, error) {
	defer func() {
		for _, f := range foreign {
			f.release()
		}
	}()
	spans, err := s.enterWithSpansOf(foreign)
	if err != nil {
		return nil, err
	}
	marks := mergedMarks(foreign)
	if s.shut || len(spans) == 0 && len(note) == 0 && len(marks) == 0 {
		return nil, s.turnAway()
	}
	for _, span := range spans {
		intake := &s.shards[span.shard].intake
		intake.Lock()
		intake.active.merged = append(intake.active.merged, span)
		intake.Unlock()
	}
	if len(note) > 0 {
		s.notes.add(note)
	}
	if len(marks) > 0 {
		s.marks.add(marks...)
	}
	return s.taken(), nil
}

// enterWithSpansOf gives what other stores counted this store's numbers, and returns with the
// gate held for reading, behind which these stay right. The gate is not held if it fails.
func (s *Store) enterWithSpansOf(foreign []*Foreign) ([]Span, error) {
	for {
		seen := s.renumbered.Load()
		spans, err := s.spansOf(foreign)
		if err != nil {
			return nil, err
		}
		s.gate.RLock()
		if seen == s.renumbered.Load() {
			return spans, nil
		}
		s.gate.RUnlock()
	}
}

// mergedMarks are marks that other stores tell of.
func mergedMarks(foreign []*Foreign) (marks []Mark) {
	for _, f := range foreign {
		for _, mark := range f.Marks {
			mark.Merged = true
			marks = append(marks, mark)
		}
	}
	return marks
}

// notes are those of the next delta. They are added behind the gate.
type notes struct {
	mu   sync.Mutex
	list [][]byte
}

func (n *notes) add(note []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, note)
}

func (n *notes) take() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.list
	n.list = nil
	return taken
}

// spansOf gives what other stores counted this store's numbers and the order of a
// Delta. What several of them count alike is added up before it meets a table: a
// counter that is next to its like is cheaper than one that is looked up.
func (s *Store) spansOf(foreign []*Foreign) ([]Span, error) {
	m := mergers.Get().(*merger)
	defer m.release()
	if err := m.gather(s, foreign); err != nil {
		return nil, err
	}
	var spans []Span
	for order := m.inOrder(s); len(order) > 0; {
		first := m.runs[order[0].Count]
		m.entries = m.entries[:0]
		for len(order) > 0 && m.isIn(s, order[0], first) {
			same := 1
			for same < len(order) && order[same].increment == order[0].increment {
				same++
			}
			m.add(order[:same])
			order = order[same:]
		}
		if err := checkSums(m.entries); err != nil {
			return nil, err
		}
		spans = append(spans, Span{Hour: first.hour, Entries: slices.Clone(m.entries), Merged: true, shard: s.shardOf(first.benefit)})
	}
	return spans, nil
}

// mergers are used again: what came within a second is many counters.
var mergers = sync.Pool{New: func() any { return new(merger) }}

// densePlaces is how many places have a sum each while the runs of a benefit are added
// up: those of pages up to 89 long. The sums stay in the processor's nearest caches.
const densePlaces = 1 << 13

// fewHeads is how many event types and versions of a benefit and hour are added up one after the
// other, for each of which all runs are looked at. A stranger says which versions there are.
const fewHeads = 64

// A merger adds up what other stores counted, one benefit and hour at a time.
type merger struct {
	runs           []mergedRun
	order, scratch []Entry
	entries        []Entry // of a span
	heads          []Key   // of a benefit and hour
	// counts are sums by place, of one head. Between heads all are 0.
	counts [densePlaces]uint64
	// counted has a bit for each of them that is not 0.
	counted [densePlaces / 64]uint64
}

// mergedRun is a run of another store, with this store's numbers.
type mergedRun struct {
	hour    Hour
	benefit Benefit
	head    Key
	largest uint32
	cells   []Cell // whose heads are the other store's
}

func (m *merger) release() {
	clear(m.runs) // they have the cells
	mergers.Put(m)
}

func (m *merger) gather(s *Store, foreign []*Foreign) error {
	m.runs = m.runs[:0]
	for _, f := range foreign {
		benefits, events, err := s.numbersOf(f)
		if err != nil {
			return err
		}
		for _, run := range f.runs {
			head := run.head.ofEvent(events[run.head.Event()])
			m.runs = append(m.runs, mergedRun{run.hour, benefits[run.benefit], head, run.largest, f.cells[run.start:run.end]})
		}
	}
	return nil
}

// inOrder are the numbers of the runs, by shard, hour and benefit. The shard is in the
// benefit's last bits, which change places with the hour.
func (m *merger) inOrder(s *Store) []Entry {
	shardBits := bits.Len(uint(len(s.shards) - 1))
	least := Hour(0)
	if len(m.runs) > 0 {
		least = m.runs[0].hour
	}
	for _, run := range m.runs {
		least = min(least, run.hour)
	}
	m.order = m.order[:0]
	for i, run := range m.runs {
		shard := uint64(s.shardOf(run.benefit)) << (64 - shardBits)
		hour := uint64(run.hour-least) << (benefitBits - shardBits)
		m.order = append(m.order, Entry{increment(shard | hour | uint64(run.benefit)>>shardBits), uint64(i)})
	}
	m.order, m.scratch = sortEntries(m.order, m.scratch)
	return m.order
}

// isIn says whether a run is of the shard and hour of another.
func (m *merger) isIn(s *Store, one Entry, other mergedRun) bool {
	run := &m.runs[one.Count]
	return run.hour == other.hour && s.shardOf(run.benefit) == s.shardOf(other.benefit)
}

// add appends to the entries what runs of one benefit and hour count together, in order.
func (m *merger) add(chosen []Entry) {
	m.heads = m.heads[:0]
	for _, one := range chosen {
		run := &m.runs[one.Count]
		if run.largest >= densePlaces || len(m.heads) > fewHeads {
			m.addSorted(chosen)
			return
		}
		if !slices.Contains(m.heads, run.head) {
			m.heads = append(m.heads, run.head)
		}
	}
	slices.Sort(m.heads)
	for _, head := range m.heads {
		for _, one := range chosen {
			if run := &m.runs[one.Count]; run.head == head {
				m.count(run.cells)
			}
		}
		m.take(newIncrement(m.runs[chosen[0].Count].benefit, head))
	}
}

// addSorted is add for any places, and any number of heads.
func (m *merger) addSorted(chosen []Entry) {
	start := len(m.entries)
	for _, one := range chosen {
		run := &m.runs[one.Count]
		first := newIncrement(run.benefit, run.head)
		for _, cell := range run.cells {
			m.entries = append(m.entries, Entry{first | increment(cell.Key&placeMask), cell.Count})
		}
	}
	ordered, _ := inOrder(m.entries[start:], nil)
	m.entries = append(m.entries[:start], ordered...)
}

// count adds cells to the sums of their places. Neighbours share a word of bits, which is
// written once for them: each write would wait for the one before.
func (m *merger) count(cells []Cell) {
	word, set := Key(0), uint64(0)
	for _, cell := range cells {
		place := cell.Key & (densePlaces - 1)
		m.counts[place] += cell.Count
		if place/64 != word {
			m.counted[word] |= set
			word, set = place/64, 0
		}
		set |= 1 << (place % 64)
	}
	m.counted[word] |= set
}

// take appends the sums that are not 0 to the entries, and makes them 0.
func (m *merger) take(first increment) {
	for i, word := range m.counted {
		for ; word != 0; word &= word - 1 {
			place := i*64 + bits.TrailingZeros64(word)
			m.entries = append(m.entries, Entry{first | increment(place), m.counts[place]})
			m.counts[place] = 0
		}
		m.counted[i] = 0
	}
}

// numbersOf returns this store's numbers of the names, by their own.
func (s *Store) numbersOf(f *Foreign) (benefits []Benefit, events []EventType, err error) {
	benefits = make([]Benefit, 0, len(f.Benefits))
	for _, name := range f.Benefits {
		number, err := s.Benefits.numberWithin(name, MaxBenefits)
		if err != nil {
			return nil, nil, fmt.Errorf("benefit %q: %w", name, err)
		}
		benefits = append(benefits, Benefit(number))
	}
	events = append(events, 0) // no event type
	for _, name := range f.Events {
		number, _, err := s.EventType(name)
		if err != nil {
			return nil, nil, fmt.Errorf("event type %q: %w", name, err)
		}
		events = append(events, number)
	}
	return benefits, events, nil
}

// checkSums makes sure that what is named several times does not add up to more than
// can be read back.
func checkSums(entries []Entry) error {
	for _, entry := range entries {
		if entry.Count > maxCount {
			return fmt.Errorf("%w: count %d", ErrImpossibleCounts, entry.Count)
		}
	}
	return nil
}
