package visitors

import "math/bits"

// A map of pairs has, for each stage that its visitor reached with anything, a bit for each
// benefit from the first on. Benefits are numbered as they come and a site has some hundreds,
// so that it is smaller than a table of as many pairs as a page has, needs no search, and what
// most records tell of, that a benefit was shown, is in a line or two of memory
// (BenchmarkAddKnown).

// An extent is the size of a map: how many words there are for a stage, and how many stages.
type extent struct{ wide, stages uint32 }

const (
	wordBits = 8 * pairBytes
	// wideStep is how many words a map grows by at least.
	wideStep = 4
)

// extent is that of the map, zeros if there is none.
func (o *ownPairs) extent() extent {
	if o.n <= fewPairs {
		return extent{}
	}
	return extent{uint32(o.few[0]), uint32(o.few[1])}
}

func (e extent) isMap() bool { return e.wide > 0 }

func (e extent) size() int { return int(e.wide) * int(e.stages) }

// has says whether there are words for all these stages.
func (e extent) has(stages Stages) bool { return e.stages >= stagesUpTo(stages) }

// stagesUpTo is how many stages there are up to the last of some.
func stagesUpTo(stages Stages) uint32 { return uint32(bits.Len8(uint8(stages))) }

// extentFor is how large a map of a visitor's pairs must be that has fresh ones and some
// stages more. One that becomes wider does by an eighth, so that nobody has it made anew for
// each benefit.
func (s *pairSet) extentFor(v *visitor, fresh []pair, more Stages) extent {
	e := v.pairs.extent()
	need := extent{e.wide, max(e.stages, stagesUpTo(more))}
	if !e.isMap() {
		for p := range s.each(v) {
			need.include(p)
		}
	}
	for _, p := range fresh {
		need.include(p)
	}
	if need.wide > e.wide {
		need.wide = max(need.wide, e.wide+e.wide/8)
	}
	return need
}

// include makes the extent large enough for a pair.
func (e *extent) include(p pair) {
	const step = wideStep * wordBits
	e.wide = max(e.wide, (uint32(p.benefit())/step+1)*wideStep)
	e.stages = max(e.stages, stagesUpTo(p.stages()))
}

// put enters a pair that is within the extent.
func (e extent) put(words []pair, p pair) {
	word, bit := placeOf(p)
	for stage := range e.stages {
		if p.stages()>>stage&1 != 0 {
			words[stage*e.wide+uint32(word)] |= bit
		}
	}
}

// placeOf is the word of a benefit among those of a stage, and its bit there.
func placeOf(p pair) (word int, bit pair) {
	benefit := p >> benefitShift
	return int(benefit / wordBits), 1 << (benefit % wordBits)
}

// each are the pairs of a map, by benefit.
func (e extent) each(words []pair, yield func(pair) bool) {
	for word := range e.wide {
		any := pair(0)
		for stage := range e.stages {
			any |= words[stage*e.wide+word]
		}
		for ; any != 0; any &= any - 1 {
			at := uint32(bits.TrailingZeros32(uint32(any)))
			p := pair(word*wordBits+at) << benefitShift
			for stage := range e.stages {
				p |= words[stage*e.wide+word] >> at & 1 << stage
			}
			if !yield(p) {
				return
			}
		}
	}
}

// lacks says whether none of the stages has a benefit.
func (e extent) lacks(words []pair, word int, bit pair) bool {
	for ; word < len(words); word += int(e.wide) {
		if words[word]&bit != 0 {
			return false
		}
	}
	return true
}

// mark enters records that reach the same stages, all of which the visitor's map has, from the
// first on to one whose benefit it has no room for. It says how many these are.
func (s *pairSet) mark(v *visitor, records []Record, reached Stages) (marked int) {
	e, words := v.pairs.extent(), s.of(v)
	for stage := range e.stages {
		if reached>>stage&1 == 0 {
			continue
		}
		own := words[stage*e.wide:][:e.wide]
		for i, r := range records {
			word, bit := placeOf(r.met())
			if word >= len(own) {
				records = records[:i]
				break
			}
			if own[word]&bit == 0 {
				if e.lacks(words, word, bit) {
					v.pairs.n++
					s.used++
				}
				own[word] |= bit
			}
		}
	}
	return len(records)
}
