package counters

// tallies add up the counters of which a window has many entries each: where their places are
// close together, that takes three fifths of bringing the entries in order, see
// BenchmarkTellOfAWindow. That is so where most pages are of few lengths; of other traffic they
// learn little and are forgotten. They learn from one window which counters these are in the next. They
// are for all entries of a window at once: to find each one's as it comes takes longer than all
// that is saved, because by the next commit no near cache has them any more.
type tallies struct {
	of     []tally // by slotOf, as many as the highest benefit and event type need
	counts []uint32
}

// A tally is of neighbouring places of one benefit, event type and version.
type tally struct {
	head          increment // without a place
	least, places uint32
	first         uint32 // of counts
}

const (
	// talliedPlaces is how many counts there may be: these, not the tallies, must stay in a near cache.
	talliedPlaces = 1 << 16
	// talliedTogether is how many places have their counts in the same line of a cache.
	talliedTogether = 16
	// talliedBenefits and talliedEvents are how many have tallies of their own.
	talliedBenefits = 1 << 13
	talliedEvents   = 4
	// mostTallied bounds a count.
	mostTallied = 1 << 31
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

// add adds entries, and returns in their place those that have no tally.
func (t *tallies) add(entries []Entry) (rest []Entry) {
	if len(t.of) == 0 {
		return entries
	}
	rest = entries[:0]
	for _, entry := range entries {
		if slot := slotOf(entry.increment); slot < len(t.of) {
			of := &t.of[slot]
			place := uint32(entry.increment&placeMask) - of.least
			if entry.increment&^placeMask == of.head && place < of.places {
				count := &t.counts[of.first+place]
				if sum := uint64(*count) + entry.Count; sum < mostTallied {
					*count = uint32(sum)
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
		for place, count := range t.counts[of.first : of.first+of.places] {
			if count != 0 {
				ordered = append(ordered, Entry{of.head | increment(of.least+uint32(place)), uint64(count)})
			}
		}
	}
	clear(t.counts)
	return ordered
}

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
			t.make(tally{ordered[0].increment &^ placeMask, least, places, uint32(len(t.counts))})
		}
		ordered = ordered[n:]
	}
}

// make makes a tally, unless another one has its slot. Those before it are in lower slots.
func (t *tallies) make(of tally) {
	slot := slotOf(of.head)
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

// mergeOrdered appends the entries of two spans as one of both to a third.
func mergeOrdered(merged, some, others []Entry) []Entry {
	for len(some) > 0 && len(others) > 0 {
		first, second := some[0], others[0]
		switch {
		case first.increment < second.increment:
			merged, some = append(merged, first), some[1:]
		case first.increment > second.increment:
			merged, others = append(merged, second), others[1:]
		default:
			merged = append(merged, Entry{first.increment, first.Count + second.Count})
			some, others = some[1:], others[1:]
		}
	}
	return append(append(merged, some...), others...)
}
