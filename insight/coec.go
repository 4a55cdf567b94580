package insight

import "stats-recorder/counters"

// placeSums are shows and clicks by exact place.
type placeSums = placeGrid[PlaceCount]

// sumPlaces adds up all benefits but counters.OtherBenefit, without orphans. It pauses
// after each.
func sumPlaces(benefits []benefitCounts, pause func()) *placeSums {
	sums := &placeSums{}
	for _, b := range benefits {
		pause()
		if b.name == counters.OtherBenefit {
			continue
		}
		for _, place := range b.places {
			if place.Shows > 0 {
				sum := sums.at(place.Place)
				sum.Shows += place.Shows
				sum.Clicks += place.Clicks
			}
		}
	}
	return sums
}

// coec is C ÷ Σ s·r with r the raw rate of the exact place: clicks over expected
// clicks (Zhang & Jones 2007). It is for comparison only. If good benefits stand
// first, the rate of the first place contains their merit, and dividing by it
// takes the merit away again. Unknown without shows where anything was clicked.
func coec(places []PlaceCount, sums *placeSums) Number {
	clicks, expected := 0.0, 0.0
	for _, place := range places {
		if place.Shows == 0 {
			continue
		}
		sum := sums.at(place.Place)
		clicks += float64(place.Clicks)
		expected += float64(place.Shows) * float64(sum.Clicks) / float64(sum.Shows)
	}
	return quotient(clicks, expected)
}
