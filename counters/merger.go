package counters

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
)

// A merger adds up what several stores counted, so that a counter meets a table once. What is of one
// benefit, hour, event type and version is a group. Groups are added up some at a time, as many as
// have sums in a near cache: see BenchmarkMergeOfASecond.
type merger struct {
	foreign  []*Foreign
	benefits [][]Benefit // numbers of their names

	groups  []group // in the order in which they are met
	known   map[groupName]int32
	rounds  []round       // of the groups in order
	runs    []groupedRun  // as they are told
	sorted  []groupedRun  // by round
	sums    denseSums     // of a round
	entries []Entry       // of one group after the other that is not dense
	dense   []placedCount // of one dense group after the other

	order, scratch []Entry
}

// A groupName is what the runs of a group have in common, with this store's numbers.
type groupName struct {
	hour    Hour
	benefit Benefit
	head    Key // without a place
}

// A group is what is counted under keys that differ in their places only.
type group struct {
	groupName
	cells          int    // of all its runs
	least, largest uint32 // places
	round          int32
	base           int32 // of its sums in the round
	start, end     int32 // of its entries
}

// A groupedRun is a run of one of the foreign ones.
type groupedRun struct{ of, run, group int32 }

// A round is some groups that are added up at once.
type round struct {
	groups   int32 // where they end
	runs     int32 // how many there are, then where they end
	isSorted bool  // it is one group, which has too few counters for its places, or too large ones
}

// mergers are used again: what came within a second is many counters.
var mergers = sync.Pool{New: func() any { return &merger{known: map[groupName]int32{}} }}

// release leaves the merger to others, unless it has met far more than is usual.
func (m *merger) release() {
	const mostGroups, mostRuns, mostEntries = 1 << 16, 1 << 19, 1 << 21
	if len(m.groups) > mostGroups || cap(m.runs) > mostRuns || cap(m.entries)+cap(m.dense) > mostEntries {
		return
	}
	m.foreign, m.benefits = nil, nil
	m.groups, m.runs, m.rounds = m.groups[:0], m.runs[:0], m.rounds[:0]
	m.entries, m.dense = m.entries[:0], m.dense[:0]
	clear(m.known)
	mergers.Put(m)
}

// countsOf gives what other stores counted this store's numbers and the order of a
// Delta. What several of them count alike is added up before it meets a table: a
// counter that is next to its like is cheaper than one that is looked up.
func (s *Store) countsOf(foreign []*Foreign) (merged, error) {
	m := mergers.Get().(*merger)
	defer m.release()
	if err := m.gather(s, foreign); err != nil {
		return merged{}, err
	}
	m.planRounds()
	m.sortRuns()
	if err := m.addUp(); err != nil {
		return merged{}, err
	}
	return m.counts(s), nil
}

// gather finds the groups of all runs.
func (m *merger) gather(s *Store, foreign []*Foreign) error {
	m.foreign = foreign
	for i, f := range foreign {
		benefits, events, err := m.numbersOf(s, f, foreign[:i])
		if err != nil {
			return err
		}
		next := int32(0)
		m.runs = slices.Grow(m.runs, len(f.runs))
		for j := range f.runs {
			run := &f.runs[j]
			name := groupName{run.hour, benefits[run.benefit], run.head.ofEvent(events[run.head.Event()])}
			number := m.groupOf(name, next)
			m.groups[number].meet(run)
			m.runs = append(m.runs, groupedRun{int32(i), int32(j), number})
			next = number + 1
		}
	}
	return nil
}

// groupOf is the number of a group, which mostly is the one that is guessed: what follows a run in
// one frame follows it in the next.
func (m *merger) groupOf(name groupName, guess int32) int32 {
	if int(guess) < len(m.groups) && m.groups[guess].groupName == name {
		return guess
	}
	number, known := m.known[name]
	if !known {
		number = int32(len(m.groups))
		m.known[name] = number
		m.groups = append(m.groups, group{groupName: name, least: math.MaxUint32})
	}
	return number
}

// meet takes a run into account that is of the group.
func (g *group) meet(run *foreignRun) {
	g.cells += int(run.end - run.start)
	g.least, g.largest = min(g.least, run.least), max(g.largest, run.largest)
}

// mostDense is how many counters may be added up in 32 bits, even if all are at one place.
const mostDense = math.MaxUint32 / MostPacked

// places is how many sums a group takes.
func (g *group) places() int { return wholeWords(g.largest - g.least) }

// isDense says whether its counters can be added up by place, and are enough for that: one for each
// word of the sums that is looked at.
func (g *group) isDense() bool {
	return g.largest != unpacked && g.cells <= mostDense && g.places() <= min(densePlaces, 64*g.cells)
}

// planRounds says which groups are added up at once: those that are met one after the other, as what
// is read for them is then.
func (m *merger) planRounds() {
	taken, isOpen := 0, false
	for i := range m.groups {
		g := &m.groups[i]
		isDense := g.isDense()
		if !isDense || !isOpen || taken+g.places() > densePlaces {
			m.rounds = append(m.rounds, round{isSorted: !isDense})
			taken, isOpen = 0, isDense
		}
		g.round = int32(len(m.rounds) - 1)
		m.rounds[g.round].groups = int32(i + 1)
		if isDense {
			g.base = int32(taken)
			taken += g.places()
		}
	}
}

// sortRuns puts the runs of a round one after the other.
func (m *merger) sortRuns() {
	for _, run := range m.runs {
		m.rounds[m.groups[run.group].round].runs++
	}
	sum := int32(0)
	for i := range m.rounds {
		m.rounds[i].runs, sum = sum, sum+m.rounds[i].runs
	}
	m.sorted = slices.Grow(m.sorted[:0], len(m.runs))[:len(m.runs)]
	for _, run := range m.runs {
		at := &m.rounds[m.groups[run.group].round].runs
		m.sorted[*at] = run
		*at++
	}
}

// addUp appends what all groups count to the entries. It returns ErrImpossibleCounts for what adds
// up to more than can be read back.
func (m *merger) addUp() error {
	of, run := int32(0), int32(0)
	for _, r := range m.rounds {
		groups, runs := m.groups[of:r.groups], m.sorted[run:r.runs]
		of, run = r.groups, r.runs
		if r.isSorted {
			if err := m.addSorted(&groups[0], runs); err != nil {
				return err
			}
			continue
		}
		for _, run := range runs {
			m.add(run)
		}
		for i := range groups {
			m.take(&groups[i])
		}
	}
	return nil
}

// add adds a run to the sums.
func (m *merger) add(run groupedRun) {
	f, g := m.foreign[run.of], &m.groups[run.group]
	told := &f.runs[run.run]
	first := uint32(g.base) - g.least // of place 0, which there may be none of
	for _, cell := range f.packed[told.start:told.end] {
		m.sums.add(first+cell.place(), cell.count())
	}
}

// take appends the sums of a dense group to the others.
func (m *merger) take(g *group) {
	g.start = int32(len(m.dense))
	m.dense = m.sums.take(slices.Grow(m.dense, g.cells), int(g.base), g.places())
	g.end = int32(len(m.dense))
}

// appendEntries appends what a group counts, in order.
func (m *merger) appendEntries(entries []Entry, g *group) []Entry {
	if m.rounds[g.round].isSorted {
		return append(entries, m.entries[g.start:g.end]...)
	}
	return appendPlaced(entries, newIncrement(g.benefit, g.head)+increment(g.least), m.dense[g.start:g.end])
}

// mostTogether is how many records of a group are added up: their sums do not overflow.
const mostTogether = 1 << 63

// addSorted appends what a group counts at any places, and however often. It returns
// ErrImpossibleCounts for a sum that no records can have made.
func (m *merger) addSorted(g *group, runs []groupedRun) error {
	first, start, sum := newIncrement(g.benefit, g.head), len(m.entries), uint64(0)
	m.entries = slices.Grow(m.entries, g.cells)
	add := func(place Key, count uint64) {
		m.entries = append(m.entries, Entry{first | increment(place), count})
		sum = min(sum, mostTogether) + count
	}
	for _, run := range runs {
		f := m.foreign[run.of]
		if told := f.runs[run.run]; told.isPacked() {
			for _, cell := range f.packed[told.start:told.end] {
				add(Key(cell.place()), uint64(cell.count()))
			}
		} else {
			for _, cell := range f.cells[told.start:told.end] {
				add(cell.Key&placeMask, cell.Count)
			}
		}
	}
	if sum > mostTogether {
		return fmt.Errorf("%w: events of one type and benefit were counted more than %d times within an hour", ErrImpossibleCounts, uint64(mostTogether))
	}
	ordered, _ := inOrder(m.entries[start:], nil)
	m.entries = append(m.entries[:start], ordered...)
	g.start, g.end = int32(start), int32(len(m.entries))
	return checkSums(m.entries[start:])
}

// counts are the entries of all groups, in order.
func (m *merger) counts(s *Store) (all merged) {
	sum := len(m.entries) + len(m.dense)
	if sum == 0 {
		return merged{}
	}
	all.block = newBlock(&freeMerged, sum)
	left := all.block.memory
	for order := m.inOrder(s); len(order) > 0; {
		first := &m.groups[order[0].Count]
		span := Span{Hour: first.hour, Merged: true, shard: s.shardOf(first.benefit)}
		for len(order) > 0 {
			g := &m.groups[order[0].Count]
			if g.hour != span.Hour || s.shardOf(g.benefit) != span.shard {
				break
			}
			left = m.appendEntries(left, g)
			order = order[1:]
		}
		span.Entries, left = left[:len(left):len(left)], left[len(left):]
		all.spans = append(all.spans, span)
	}
	return all
}

// inOrder are the numbers of the groups, by shard, hour, benefit and head. The shard is in the
// benefit's last bits. But for the head, all are put into as few bits as they need, so that they are
// mostly sorted by one digit.
func (m *merger) inOrder(s *Store) []Entry {
	shardBits := bits.Len(uint(len(s.shards) - 1))
	least, most, highest := Hour(math.MaxUint32), Hour(0), Benefit(0)
	for i := range m.groups {
		g := &m.groups[i]
		least, most, highest = min(least, g.hour), max(most, g.hour), max(highest, g.benefit)
	}
	ofBenefit := bits.Len32(uint32(highest >> shardBits))
	ofHour := bits.Len32(uint32(most - min(least, most)))
	m.order = slices.Grow(m.order[:0], len(m.groups))
	for i := range m.groups {
		g := &m.groups[i]
		place := uint64(s.shardOf(g.benefit))<<ofHour | uint64(g.hour-least)
		m.order = append(m.order, Entry{increment(place<<ofBenefit | uint64(g.benefit)>>shardBits), uint64(i)})
	}
	m.order, m.scratch = sortEntries(m.order, m.scratch)
	m.sortHeads()
	return m.order
}

// sortHeads sorts groups by head that differ in nothing else.
func (m *merger) sortHeads() {
	for rest := m.order; len(rest) > 0; {
		same := 1
		for same < len(rest) && rest[same].increment == rest[0].increment {
			same++
		}
		if same > 1 {
			slices.SortFunc(rest[:same], func(a, b Entry) int {
				return cmp.Compare(m.groups[a.Count].head, m.groups[b.Count].head)
			})
		}
		rest = rest[same:]
	}
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
