package report

import (
	"stats-recorder/insight"
	"stats-recorder/visitors"
)

// hideWhatFollows hides of steps, which are of these groups, also those without which a few
// visitors of a hidden step would be the total less all others.
func (v *Visitors) hideWhatFollows(groups []visitors.Group) {
	counted, opening := make([]share, len(groups)), make([]share, len(groups))
	for i := range groups {
		step := insight.NewVisitorFunnel(groups[i].ByStages).NoOpening
		counted[i] = share{parts: [2]uint64{groups[i].Visitors()}}
		counted[i].hidden = hidden(groups[i].Visitors())
		opening[i] = share{parts: [2]uint64{step.From - step.To, step.To}}
		opening[i].hidden = hidden(step.From, step.To, step.From-step.To)
	}
	if !hideComplement(counted) {
		v.hideVisitors()
	}
	for i := range counted {
		if counted[i].hidden { // an interval says of how many it is
			v.Steps[i].hideVisitors()
			opening[i].hidden = true
		}
	}
	if !hideComplement(opening) {
		v.hideNoOpening()
	}
	for i := range opening {
		if opening[i].hidden {
			v.Steps[i].hideNoOpening()
		}
	}
}

// hideVisitors hides how many there are, and what that would follow from.
func (s *VisitorSums) hideVisitors() {
	s.VisitorDays, s.PagesPerVisitor, s.Few = nil, insight.Unknown(), true
	s.hideNoOpening()
}

func (s *VisitorSums) hideNoOpening() {
	s.NoOpening, s.NoOpeningInterval = insight.Unknown(), insight.UnknownInterval()
}

// A share is a part of a total, of visitors of one kind or of two.
type share struct {
	parts  [2]uint64
	hidden bool
}

func (s share) size() uint64 { return s.parts[0] + s.parts[1] }

// hideComplement hides the smallest shares of a total that is told until nothing of those
// that are hidden follows from it. It returns false if that takes all of them, and the
// total would still say it.
func hideComplement(shares []share) bool {
	for follows(shares) {
		smallest := -1
		for i, share := range shares {
			if !share.hidden && share.size() > 0 && (smallest < 0 || share.size() < shares[smallest].size()) {
				smallest = i
			}
		}
		if smallest < 0 {
			return false
		}
		shares[smallest].hidden = true
	}
	return true
}

// follows says whether what is hidden follows from its sum, which is the total less all that
// is told: it is of few visitors, or only groups of one, or only the largest that are few,
// add up to it.
func follows(shares []share) bool {
	var sums [2]uint64
	n := uint64(0)
	for _, s := range shares {
		if !s.hidden || s.size() == 0 {
			continue
		}
		n++
		for part := range sums {
			sums[part] += s.parts[part]
		}
	}
	for _, sum := range sums {
		if sum == 0 {
			continue
		}
		mean := sum / n
		if hidden(sum) || sum%n == 0 && (mean == 1 || hidden(mean) && !hidden(mean+1)) {
			return true
		}
	}
	return false
}
