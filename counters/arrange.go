package counters

import "sync"

// An arranger finds which counters of a benefit are close together, and makes stretches of them.
type arranger struct {
	words, scratch []uint64 // of a benefit, and to sort them
	runs           []closeRun
	old, list      []stretch // in the order of their keys
}

// arrangers are used again: a table that begins to have stretches arranges all benefits.
var arrangers = sync.Pool{New: func() any { return &arranger{} }}

// release leaves the arranger to others, unless the benefit was far larger than is usual.
func (a *arranger) release() {
	const mostWords = 1 << 16
	if cap(a.words)+cap(a.scratch) <= mostWords {
		clear(a.old) // which would keep places
		clear(a.list)
		arrangers.Put(a)
	}
}

// arrange makes stretches of the arranger's words, which are sorted, and of older ones. The words are of other
// keys than those. It returns the words that are in no stretch, too, which are the arranger's.
func (a *arranger) arrange(older *stretches) (made stretches, others []uint64) {
	a.old = older.appendInOrder(a.old[:0])
	a.findRuns()
	a.list, others = a.list[:0], a.words[:0]
	for i := range a.runs {
		run := &a.runs[i]
		words := a.words[run.words.start:run.words.end]
		if run.counters < stretchFrom {
			others = append(others, words...)
			continue
		}
		a.list = append(a.list, run.stretch(a.old[run.old.start:run.old.end], words))
	}
	return stretchesOf(a.list), others
}

// A closeRun is some counters that are close together: of words, or of stretches with or without
// words between them.
type closeRun struct {
	first, last Key
	counters    int
	words, old  between
}

// between are the numbers of neighbours in a slice.
type between struct{ start, end int }

// isCloseTo says whether the counters of two neighbours may be one stretch, if they are enough.
func (r *closeRun) isCloseTo(next *closeRun) bool {
	return uint64(next.last-r.first) < stretchSpread*uint64(r.counters+next.counters)
}

// take makes the run one with its next neighbour.
func (r *closeRun) take(next *closeRun) {
	r.last, r.counters = next.last, r.counters+next.counters
	r.words.end, r.old.end = next.words.end, next.old.end
}

// stretch makes a stretch of the run, which is of these older ones and words.
func (r *closeRun) stretch(older []stretch, words []uint64) stretch {
	if len(older) == 1 && len(words) == 0 {
		return older[0]
	}
	made := stretch{first: r.first, places: make([]uint32, r.last-r.first+1)}
	for _, old := range older {
		copy(made.places[old.first-r.first:], old.places)
	}
	for _, word := range words {
		made.places[Key(word>>countBits)-r.first] = isCounted | uint32(word&countMask)
	}
	return made
}

// findRuns makes runs of all words and stretches, as long as they can be: no neighbours are close together.
// Nor are more than two then: where neither of two pairs of neighbours is, nor are all three.
func (a *arranger) findRuns() {
	a.runs = a.runs[:0]
	for words, olds := 0, 0; words < len(a.words) || olds < len(a.old); {
		next := closeRun{words: between{words, words}, old: between{olds, olds}}
		if olds == len(a.old) || words < len(a.words) && Key(a.words[words]>>countBits) < a.old[olds].first {
			next.first = Key(a.words[words] >> countBits)
			next.last, next.counters = next.first, 1
			words++
		} else {
			next.first, next.counters = a.old[olds].first, a.old[olds].counters()
			next.last = next.first + Key(len(a.old[olds].places)-1)
			olds++
		}
		next.words.end, next.old.end = words, olds
		a.addRun(&next)
	}
}

// addRun adds the next neighbour of all runs.
func (a *arranger) addRun(next *closeRun) {
	n := len(a.runs)
	if n == 0 || !a.runs[n-1].isCloseTo(next) {
		a.runs = append(a.runs, *next)
		return
	}
	a.runs[n-1].take(next)
	for ; n > 1 && a.runs[n-2].isCloseTo(&a.runs[n-1]); n-- {
		a.runs[n-2].take(&a.runs[n-1])
		a.runs = a.runs[:n-1]
	}
}
