package counters

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
)

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
	order := m.inOrder(s)
	m.bringTogether()
	for len(order) > 0 {
		first := m.runs[order[0].Count]
		m.entries = m.entries[:0]
		for len(order) > 0 && m.isIn(s, order[0], first) {
			same := 1
			for same < len(order) && order[same].increment == order[0].increment {
				same++
			}
			if err := m.add(order[:same]); err != nil {
				return nil, err
			}
			order = order[same:]
		}
		spans = append(spans, Span{Hour: first.hour, Entries: slices.Clone(m.entries), Merged: true, shard: s.shardOf(first.benefit)})
	}
	return spans, nil
}

// mergers are used again: what came within a second is many counters.
var mergers = sync.Pool{New: func() any { return new(merger) }}

// fewHeads is how many event types and versions of a benefit and hour are added up one after the
// other, for each of which all runs are looked at. A stranger says which versions there are.
const fewHeads = 64

// A merger adds up what other stores counted, one benefit and hour at a time.
type merger struct {
	foreign        []*Foreign
	benefits       [][]Benefit // numbers of their names
	runs           []mergedRun
	order, scratch []Entry
	entries        []Entry // of a span
	heads          []Key   // of a benefit and hour
	sums           denseSums
	together       []PackedCell
}

// mergedRun is a run of another store, with this store's numbers.
type mergedRun struct {
	foreignRun
	of int32 // which of the other stores'
	at int32 // where its packed cells are together with those of others
}

// isDense says whether the run can be added up by place.
func (r *mergedRun) isDense() bool { return r.largest < densePlaces }

func (m *merger) release() {
	m.foreign, m.benefits = nil, nil
	mergers.Put(m)
}

func (m *merger) gather(s *Store, foreign []*Foreign) error {
	m.foreign, m.benefits, m.runs = foreign, nil, m.runs[:0]
	for i, f := range foreign {
		benefits, events, err := m.numbersOf(s, f, foreign[:i])
		if err != nil {
			return err
		}
		m.runs = slices.Grow(m.runs, len(f.runs))
		for _, run := range f.runs {
			run.head, run.benefit = run.head.ofEvent(events[run.head.Event()]), benefits[run.benefit]
			m.runs = append(m.runs, mergedRun{foreignRun: run, of: int32(i)})
		}
	}
	return nil
}

// inOrder are the numbers of the runs, by shard, hour and benefit. The shard is in the benefit's
// last bits. All are put into as few bits as they need, so that they are mostly sorted by one digit.
func (m *merger) inOrder(s *Store) []Entry {
	shardBits := bits.Len(uint(len(s.shards) - 1))
	least, most, highest := Hour(math.MaxUint32), Hour(0), Benefit(0)
	for i := range m.runs {
		run := &m.runs[i]
		least, most, highest = min(least, run.hour), max(most, run.hour), max(highest, run.benefit)
	}
	ofBenefit := bits.Len32(uint32(highest >> shardBits))
	ofHour := bits.Len32(uint32(most - min(least, most)))
	m.order = slices.Grow(m.order[:0], len(m.runs))
	for i := range m.runs {
		run := &m.runs[i]
		place := uint64(s.shardOf(run.benefit))<<ofHour | uint64(run.hour-least)
		m.order = append(m.order, Entry{increment(place<<ofBenefit | uint64(run.benefit)>>shardBits), uint64(i)})
	}
	m.order, m.scratch = sortEntries(m.order, m.scratch)
	return m.order
}

// bringTogether copies what is packed, so that what is added up is side by side: read from where
// it came, each run is a wait for memory.
func (m *merger) bringTogether() {
	sum := int32(0)
	for _, one := range m.order {
		run := &m.runs[one.Count]
		run.at = sum
		if run.isPacked() {
			sum += run.end - run.start
		}
	}
	m.together = slices.Grow(m.together[:0], int(sum))[:sum]
	for i := range m.runs {
		if run := &m.runs[i]; run.isPacked() {
			copy(m.together[run.at:], m.foreign[run.of].packed[run.start:run.end])
		}
	}
}

// isIn says whether a run is of the shard and hour of another.
func (m *merger) isIn(s *Store, one Entry, other mergedRun) bool {
	run := &m.runs[one.Count]
	return run.hour == other.hour && s.shardOf(run.benefit) == s.shardOf(other.benefit)
}

// denseCells is how many cells may be added up by place: their sums fit into 32 bits, even
// if all have the same one.
const denseCells = math.MaxUint32 / MostPacked

// add appends to the entries what runs of one benefit and hour count together, in order.
// It returns ErrImpossibleCounts for what adds up to more than can be read back.
func (m *merger) add(chosen []Entry) error {
	m.heads = m.heads[:0]
	largest, cells := uint32(0), 0
	for _, one := range chosen {
		run := &m.runs[one.Count]
		largest, cells = max(largest, run.largest), cells+int(run.end-run.start)
		if !run.isDense() || cells > denseCells || len(m.heads) > fewHeads {
			return m.addSorted(chosen)
		}
		if !slices.Contains(m.heads, run.head) {
			m.heads = append(m.heads, run.head)
		}
	}
	slices.Sort(m.heads)
	for _, head := range m.heads {
		for _, one := range chosen {
			if run := &m.runs[one.Count]; run.head == head {
				for _, cell := range m.together[run.at:][:run.end-run.start] {
					m.sums.add(cell.place(), cell.count())
				}
			}
		}
		m.entries = m.sums.take(m.entries, newIncrement(m.runs[chosen[0].Count].benefit, head), 0, largest)
	}
	return nil
}

// mostTogether is how many records of a benefit and hour are added up: their sums do not overflow.
const mostTogether = 1 << 63

// addSorted is add for any places and counts, and any number of heads. It returns
// ErrImpossibleCounts for a sum that no records can have made.
func (m *merger) addSorted(chosen []Entry) error {
	start, sum := len(m.entries), uint64(0)
	add := func(first increment, place Key, count uint64) {
		m.entries = append(m.entries, Entry{first | increment(place), count})
		sum = min(sum, mostTogether) + count
	}
	for _, one := range chosen {
		run := &m.runs[one.Count]
		first := newIncrement(run.benefit, run.head)
		if of := m.foreign[run.of]; run.isPacked() {
			for _, cell := range of.packed[run.start:run.end] {
				add(first, Key(cell.place()), uint64(cell.count()))
			}
		} else {
			for _, cell := range of.cells[run.start:run.end] {
				add(first, cell.Key&placeMask, cell.Count)
			}
		}
	}
	if sum > mostTogether {
		return fmt.Errorf("%w: a benefit was counted more than %d times within an hour", ErrImpossibleCounts, uint64(mostTogether))
	}
	ordered, _ := inOrder(m.entries[start:], nil)
	m.entries = append(m.entries[:start], ordered...)
	return checkSums(m.entries[start:])
}

// numbersOf returns this store's numbers of the names, by their own. What a store tells one time
// after the other has nearly the same names in the same order, so that most are where they are
// in an earlier one of the foreign ones: to compare them costs less than to look them up.
func (m *merger) numbersOf(s *Store, f *Foreign, earlier []*Foreign) (benefits []Benefit, events []EventType, err error) {
	known, numbers := m.alike(f, earlier)
	benefits = make([]Benefit, 0, len(f.Benefits))
	for i, name := range f.Benefits {
		if i < len(known) && bytes.Equal(known[i], name) {
			benefits = append(benefits, numbers[i])
			continue
		}
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
	m.benefits = append(m.benefits, benefits)
	return benefits, events, nil
}

// alike is the last earlier one that begins with the same name, and its numbers.
func (m *merger) alike(f *Foreign, earlier []*Foreign) (names [][]byte, numbers []Benefit) {
	for i, other := range slices.Backward(earlier) {
		if len(f.Benefits) > 0 && len(other.Benefits) > 0 && bytes.Equal(f.Benefits[0], other.Benefits[0]) {
			return other.Benefits, m.benefits[i]
		}
	}
	return nil, nil
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
