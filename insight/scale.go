package insight

import "stats-recorder/counters"

// A Scale weighs days against the window that a model is of, straight from the cells of
// a store: years of days need no Counts of their own. Any number of goroutines may use
// it.
type Scale struct {
	model  *Model
	window *Counts
}

// Scale is that of the window whose model this is.
func (m *Model) Scale(window *Counts) Scale { return Scale{m, window} }

// A DaySum is what a day has beside its Outcome: all its shows, and all clicks but
// orphans, which are those at places where a benefit was not shown in the window. The
// days of a window sum up to its Benefit.Shows and Clicks, and to Model.Day.
type DaySum struct {
	Shows, Clicks uint64
	Outcome
}

// Add is both together.
func (s DaySum) Add(other DaySum) DaySum {
	return DaySum{s.Shows + other.Shows, s.Clicks + other.Clicks, s.Outcome.Add(other.Outcome)}
}

// Weigh is the sum of cells of a benefit, sorted by key, by the rules of Counts.Add and
// Model.Day. The day must be one of the window.
func (s Scale) Weigh(name string, cells []counters.Cell) (sum DaySum) {
	merit, places := s.model.Merit(name), s.window.Places(name)
	expected := 0.0
	for len(cells) > 0 {
		run := s.window.nextRun(cells)
		if cells[0].Key.Version() == s.window.version {
			switch s.window.roles[cells[0].Key.Event()] {
			case RoleShow:
				expected += s.weighShows(&sum, cells[:run])
			case RoleClick:
				s.weighClicks(&sum, cells[:run], places, merit.Known())
			}
		}
		cells = cells[run:]
	}
	if merit.Known() {
		sum.Expected = expected * float64(merit)
	}
	return sum
}

// weighShows returns Σ s·f·g.
func (s Scale) weighShows(sum *DaySum, cells []counters.Cell) (expected float64) {
	for _, cell := range cells {
		pageTotal, index := cell.Key.Position()
		sum.Shows += cell.Count
		if !s.model.outside(pageTotal) {
			expected += float64(cell.Count) * s.model.expected(pageTotal, index)
		}
	}
	return expected
}

// weighClicks walks along the window's places, which are sorted as the cells are.
func (s Scale) weighClicks(sum *DaySum, cells []counters.Cell, places []PlaceCount, compared bool) {
	for _, cell := range cells {
		place := cell.Key.Place()
		for len(places) > 0 && places[0].Place < place {
			places = places[1:]
		}
		if len(places) == 0 || places[0].Place != place || places[0].Shows == 0 {
			continue
		}
		sum.Clicks += cell.Count
		if pageTotal, _ := cell.Key.Position(); compared && !s.model.outside(pageTotal) {
			sum.Observed += cell.Count
		}
	}
}
