package counters

import "sync"

// gathered are the counters of one hour: logs, not a table, because appending to them and
// sorting them once costs less than finding each counter, see BenchmarkTellOfAWindow.
type gathered struct {
	kept             [][]Entry // of deltas, where these wrote them
	entries, scratch []Entry
	tallies          tallies
	tallied          []Entry // what was added up of tallies
	// waiting is how many entries are kept, and ordered how many of the others, from the first on, are added up.
	waiting, ordered int
	// inTallies is how many entries the tallies have added up that are not among the entries.
	inTallies int
	// least and highest are benefits between which all are.
	least, highest Benefit
}

// emptied have no entries and keep their memory for the next window.
var emptied = sync.Pool{New: func() any { return new(gathered) }}

// keep adds entries of benefits from one to another, which stay where they are.
func (g *gathered) keep(entries []Entry, least, highest Benefit) {
	g.see(least, highest)
	g.kept = append(g.kept, entries)
	g.waiting += len(entries)
}

// take adds what another one has, whose entries stay where they are if they are kept there.
func (g *gathered) take(other *gathered) {
	other.settle()
	g.see(other.least, other.highest)
	g.kept, g.waiting = append(g.kept, other.kept...), g.waiting+other.waiting
	g.entries = append(g.entries, other.entries...)
}

// see says of which benefits entries are about to be added.
func (g *gathered) see(least, highest Benefit) {
	if g.len() == 0 {
		g.least, g.highest = least, highest
	}
	g.least, g.highest = min(g.least, least), max(g.highest, highest)
}

// len is how many entries there are. A counter may be among them several times.
func (g *gathered) len() int {
	g.settle()
	return g.waiting + len(g.entries)
}

// reset empties it and keeps its memory, and what was learned.
func (g *gathered) reset() {
	if g.inTallies > 0 {
		clear(g.tallies.counts)
	}
	clear(g.kept)
	g.kept, g.waiting, g.inTallies = g.kept[:0], 0, 0
	g.entries, g.ordered = g.entries[:0], 0
}

// tally adds up what the tallies can, and makes the other entries ones of a span. It leaves alone
// those that are: they may have been told, and be read.
func (g *gathered) tally() {
	if g.waiting == 0 && len(g.entries) == g.ordered {
		return
	}
	all := g.len()
	g.entries = g.tallies.add(g.entries[:0], g.entries)
	for _, entries := range g.kept {
		g.entries = g.tallies.add(g.entries, entries)
	}
	clear(g.kept)
	g.kept, g.waiting = g.kept[:0], 0
	rest := len(g.entries)
	g.inTallies = all - rest
	g.entries, g.scratch = inOrderByBenefit(g.entries, g.scratch, g.least, g.highest)
	g.ordered = len(g.entries)
	if rest >= leastLearned {
		g.learn(rest - g.ordered)
	}
}

// learn is for a window of which many entries had no tally. Of these so many were of a counter that
// another one was of, too.
func (g *gathered) learn(repeated int) {
	others := g.ordered
	used := g.settle()
	switch {
	case repeated >= (others+repeated)/4:
		g.tallies.learn(g.entries)
	case used*leastUsed < len(g.tallies.counts):
		g.tallies.forget()
	}
}

// inUse are the tallies that have counts which are not among the entries.
func (g *gathered) inUse() []tally {
	if g.inTallies == 0 {
		return nil
	}
	return g.tallies.of
}

// heads yields a counter of each run, and of some two. There must be nothing to tally.
func (g *gathered) heads(yield func(Entry) bool) {
	for rest := g.entries; len(rest) > 0; rest = rest[RunLength(rest):] {
		if !yield(rest[0]) {
			return
		}
	}
	for _, of := range g.inUse() {
		if head, found := g.tallies.head(of); found && !yield(head) {
			return
		}
	}
}

// runs yields the counters in order, those together that differ in their places alone. A run stays as it
// is until the next one. There must be nothing to tally.
func (g *gathered) runs(yield func([]Entry) bool) {
	rest := g.entries
	for _, of := range g.inUse() {
		g.tallied = g.tallies.appendRun(g.tallied[:0], of)
		run := g.tallied
		for len(rest) > 0 && len(run) > 0 && rest[0].increment < run[0].increment && !rest[0].DiffersInPlaceAlone(run[0]) {
			n := RunLength(rest)
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
		if len(rest) > 0 && len(run) > 0 && rest[0].DiffersInPlaceAlone(run[0]) {
			n := RunLength(rest)
			g.scratch = mergeOrdered(g.scratch[:0], rest[:n], run)
			run, rest = g.scratch, rest[n:]
		}
		if len(run) > 0 && !yield(run) {
			return
		}
	}
	for len(rest) > 0 {
		n := RunLength(rest)
		if !yield(rest[:n]) {
			return
		}
		rest = rest[n:]
	}
}

// settle makes entries of what was tallied, and returns how many.
func (g *gathered) settle() (counters int) {
	if g.inTallies == 0 {
		return 0
	}
	g.tallied = g.tallies.take(g.tallied[:0])
	counters = len(g.tallied)
	if len(g.entries) == 0 {
		g.entries, g.tallied = g.tallied, g.entries
	} else {
		g.entries, g.scratch = mergeOrdered(g.scratch[:0], g.entries, g.tallied), g.entries
	}
	g.ordered, g.inTallies = len(g.entries), 0
	return counters
}

// addUp makes the entries ones of a span.
func (g *gathered) addUp() {
	g.tally()
	g.settle()
}
