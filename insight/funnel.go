package insight

// A StageSet is which stages somebody reached, as bits: StageShown is 1,
// StageOpened 2, StageActed 4.
type StageSet uint8

// StageSets is one more than the largest StageSet.
const StageSets = 8

// With is the set with one more stage. NoStage adds nothing.
func (s StageSet) With(stage Stage) StageSet { return s | stage.bit() }

// Has says whether a stage is in the set.
func (s StageSet) Has(stage Stage) bool { return s&stage.bit() != 0 }

func (s Stage) bit() StageSet {
	if s == NoStage {
		return 0
	}
	return 1 << (s - 1)
}

// A Step is the way from one stage to the next.
type Step struct {
	From, To uint64
	// Rate is To ÷ From. Interval is its Wilson interval, unknown where Rate is no
	// proportion. Both are unknown if From is 0.
	Rate     Number
	Interval Interval
}

// RecordFunnel is the way from shown to opened to acted by numbers of records.
type RecordFunnel struct {
	Shown, Opened, Acted uint64
	// OpenRate is Opened ÷ Shown, ActRate Acted ÷ Opened. They are ratios of sums
	// and may exceed 1, since one who comes back is counted again; nothing is cut.
	OpenRate, ActRate Number
}

// NewRecordFunnel is the funnel of numbers of records. Rates have no unit; one is
// unknown if the stage before is empty.
func NewRecordFunnel(shown, opened, acted uint64) RecordFunnel {
	return RecordFunnel{
		Shown: shown, Opened: opened, Acted: acted,
		OpenRate: quotient(float64(opened), float64(shown)),
		ActRate:  quotient(float64(acted), float64(opened)),
	}
}

// A VisitorFunnel is the same way by numbers of visitors. Each stage counts those who reached it
// and all before it, so that rates are proportions.
type VisitorFunnel struct {
	Open, Act Step
	// NoOpening is the share of those who were shown something and opened nothing.
	NoOpening Step
	// Aside are visitors with a stage but not those before it: a link from
	// elsewhere, or a day that began between the two.
	Aside uint64
}

// NewVisitorFunnel is the funnel of visitors by the set of stages that they
// reached; visitors of the empty set are not looked at. Rates are proportions
// with Wilson's 95 % interval, which takes visitors as independent.
func NewVisitorFunnel(visitors [StageSets]uint64) VisitorFunnel {
	var shown, opened, acted, aside uint64
	for set, n := range visitors {
		reached := StageSet(set)
		if reached.Has(StageShown) {
			shown += n
			if reached.Has(StageOpened) {
				opened += n
				if reached.Has(StageActed) {
					acted += n
				}
			}
		}
		if !reached.inOrder() {
			aside += n
		}
	}
	return VisitorFunnel{
		Open: newStep(shown, opened), Act: newStep(opened, acted),
		NoOpening: newStep(shown, shown-opened), Aside: aside,
	}
}

// inOrder says whether each stage of the set has those before it with it: then
// its bits are all ones below the highest.
func (s StageSet) inOrder() bool { return s&(s+1) == 0 }

func newStep(from, to uint64) Step {
	return Step{From: from, To: to, Rate: quotient(float64(to), float64(from)), Interval: Wilson(to, from)}
}
