package insight

import "stats-recorder/counters"

// A Quality says whether counts can be trusted.
type Quality struct {
	// Pages are the shows at index 1: a page shows something there.
	Pages uint64
	// Balance is the largest |shows(T,k) − shows(T,1)| over all page totals T and
	// indexes 1 ≤ k ≤ T, as a share of Pages. A page of T posts one show for each
	// of its indexes, so it is 0 unless records were lost, refused or made up.
	// Unknown without pages.
	Balance Number
	// WorstTotal and WorstIndex are where that is; 0 if the balance is 0.
	WorstTotal, WorstIndex uint16
	// Misplaced are shows at an index of 0 or beyond the page total.
	Misplaced uint64
	// Orphans are clicks of benefits at places where they were not shown.
	Orphans uint64
	// Repeated are the clicks in excess of shows, at places of a benefit with more
	// clicks than shows, and RepeatedPlaces how many such places there are. A
	// details page that is loaded again counts again, so there may be some.
	Repeated       uint64
	RepeatedPlaces int
	// OtherShows and OtherClicks are counted under counters.OtherBenefit, for
	// which there was no room under its own name.
	OtherShows, OtherClicks uint64
}

// Examine checks counts against what a page does that posts one batch of shows
// for each list (balance) and clicks on what it showed (orphans). Its numbers are
// records.
func Examine(c *Counts) Quality {
	var q Quality
	var shows placeGrid[uint64]
	for _, b := range c.benefits {
		for _, place := range b.places {
			*shows.at(place.Place) += place.Shows
			q.look(b.name, place)
		}
	}
	q.balance(&shows)
	return q
}

// look counts what is odd at a place of a benefit.
func (q *Quality) look(name string, place PlaceCount) {
	if name == counters.OtherBenefit {
		q.OtherShows += place.Shows
		q.OtherClicks += place.Clicks
		return
	}
	switch {
	case place.Shows == 0:
		q.Orphans += place.Clicks
	case place.Clicks > place.Shows:
		q.Repeated += place.Clicks - place.Shows
		q.RepeatedPlaces++
	}
}

// balance compares each place with the first of its page. It goes over all
// indexes of each length that has any shows, since a place without is the worst.
func (q *Quality) balance(shows *placeGrid[uint64]) {
	var lengths [counters.MaxPosition + 1]bool
	shows.each(func(place uint32, count *uint64) {
		if *count == 0 {
			return
		}
		pageTotal, index := PlaceCount{Place: place}.Position()
		if index == 0 || index > pageTotal {
			q.Misplaced += *count
			return
		}
		lengths[pageTotal] = true
	})
	largest := uint64(0)
	for length, any := range lengths {
		if !any {
			continue
		}
		pages := *shows.at(placeOf(length, 1))
		q.Pages += pages
		for index := 2; index <= length; index++ {
			gap := absoluteDifference(*shows.at(placeOf(length, index)), pages)
			if gap > largest {
				largest, q.WorstTotal, q.WorstIndex = gap, uint16(length), uint16(index)
			}
		}
	}
	q.Balance = quotient(float64(largest), float64(q.Pages))
}

// placeOf is the place of a position within counters.MaxPosition.
func placeOf(pageTotal, index int) uint32 {
	key, _ := counters.NewKey(1, 0, uint16(pageTotal), uint16(index)) // in range, so no error
	return key.Place()
}

func absoluteDifference(a, b uint64) uint64 {
	if a > b {
		return a - b
	}
	return b - a
}
