package counters

import (
	"cmp"
	"slices"
)

// tallies add up the counters of which a window has many entries each: where their places are
// close together, that takes three fifths of bringing the entries in order, see
// BenchmarkTellOfAWindow. That is so where most pages are of few lengths; of other traffic they
// learn little and are forgotten. They learn from one window which counters these are in the next. They
// are for all entries of a window at once: to find each one's as it comes takes longer than all
// that is saved, because by the next commit no near cache has them any more.
type tallies struct {
	of     []tally // by slotOf, as many as the highest benefit and event type need
	counts []uint16
}

// A tally is of neighbouring places of one benefit, event type and version.
type tally struct {
	first  increment // that of the least place
	places uint32
	counts uint32 // where those of the places begin
}

const (
	// talliedPlaces is how many counts there may be: these, not the tallies, must stay in a near cache.
	talliedPlaces = 1 << 16
	// talliedTogether is at whose multiples tallies begin and end: a window may lack the first
	// place of a page, or the last one.
	talliedTogether = 8
	// talliedBenefits and talliedEvents are how many have tallies of their own.
	talliedBenefits = 1 << 13
	talliedEvents   = 4
	// mostTallied bounds a count.
	mostTallied = 1 << 16
	// leastLearned is how many entries say something of the next window.
	leastLearned = 1 << 12
	// leastUsed is which part of the counts must be used for the tallies to be kept, of a window
	// that says something of the next.
	leastUsed = 8
)

// slotOf is where the tally of a counter is. Slots are in the order of increments.
func slotOf(of increment) int {
	return int(of.benefit())*talliedEvents + min(int(of.key().Event())-1, talliedEvents-1)
}

// add adds entries, and appends to the rest those that have no tally.
func (t *tallies) add(rest, entries []Entry) []Entry {
	if len(t.of) == 0 {
		return append(rest, entries...)
	}
	tallies, counts := t.of, t.counts
	for _, entry := range entries {
		if slot := slotOf(entry.increment); slot < len(tallies) {
			of := &tallies[slot]
			if place := uint64(entry.increment - of.first); place < uint64(of.places) {
				count := &counts[of.counts+uint32(place)]
				if sum := uint64(*count) + entry.Count; sum < mostTallied {
					*count = uint16(sum)
					continue
				}
			}
		}
		rest = append(rest, entry)
	}
	return rest
}

// take appends what was added up, in order, and begins anew.
func (t *tallies) take(ordered []Entry) []Entry {
	for _, of := range t.of {
		ordered = t.appendRun(ordered, of)
	}
	clear(t.counts)
	return ordered
}

// appendRun appends what a tally has added up, in order.
func (t *tallies) appendRun(ordered []Entry, of tally) []Entry {
	counts := t.countsOf(of)
	room := slices.Grow(ordered, len(counts))[:len(ordered)+len(counts)]
	n := len(ordered)
	for place, count := range counts {
		room[n] = Entry{of.first + increment(place), uint64(count)}
		if count != 0 { // without a branch: few are 0, and nobody foresees which
			n++
		}
	}
	return room[:n]
}

// head is the first counter that a tally has added up, if there is one.
func (t *tallies) head(of tally) (head Entry, found bool) {
	for place, count := range t.countsOf(of) {
		if count != 0 {
			return Entry{of.first + increment(place), uint64(count)}, true
		}
	}
	return Entry{}, false
}

func (t *tallies) countsOf(of tally) []uint16 { return t.counts[of.counts : of.counts+of.places] }

// forget leaves no tallies. Nothing may be added up.
func (t *tallies) forget() { t.of, t.counts = t.of[:0], t.counts[:0] }

// learn makes tallies of those counters of a window that are worth it. Nothing may be added up.
func (t *tallies) learn(ordered []Entry) {
	t.forget()
	for len(ordered) > 0 && ordered[0].Benefit() < talliedBenefits {
		n, sum := 1, ordered[0].Count
		for ; n < len(ordered) && ordered[n].DiffersInPlaceAlone(ordered[0]); n++ {
			sum += ordered[n].Count
		}
		least := uint32(ordered[0].increment&placeMask) &^ (talliedTogether - 1)
		places := uint32(ordered[n-1].increment&placeMask)&^(talliedTogether-1) + talliedTogether - least
		if sum >= uint64(places)/2 && len(t.counts)+int(places) <= talliedPlaces {
			t.make(tally{ordered[0].increment&^placeMask | increment(least), places, uint32(len(t.counts))})
		}
		ordered = ordered[n:]
	}
}

// make makes a tally, unless another one has its slot. Those before it are in lower slots.
func (t *tallies) make(of tally) {
	slot := slotOf(of.first)
	if slot < len(t.of) {
		return
	}
	for len(t.of) < slot {
		t.of = append(t.of, tally{})
	}
	t.of = append(t.of, of)
	for range of.places {
		t.counts = append(t.counts, 0)
	}
}

// mergeOrdered appends the entries of two spans as one of both to a third. Where the first has few, the
// entries of the other between them are copied together.
func mergeOrdered(merged, some, others []Entry) []Entry {
	for _, entry := range some {
		before, found := searchAhead(others, entry)
		merged = append(append(merged, others[:before]...), entry)
		others = others[before:]
		if found {
			merged[len(merged)-1].Count += others[0].Count
			others = others[1:]
		}
	}
	return append(merged, others...)
}

// searchAhead is slices.BinarySearchFunc for an entry that is probably near the first one.
func searchAhead(entries []Entry, counter Entry) (before int, found bool) {
	near := 1
	for near < len(entries) && entries[near].increment < counter.increment {
		near *= 2
	}
	first := near / 2
	before, found = slices.BinarySearchFunc(entries[first:min(near+1, len(entries))], counter, compareCounters)
	return first + before, found
}

func compareCounters(a, b Entry) int { return cmp.Compare(a.increment, b.increment) }
