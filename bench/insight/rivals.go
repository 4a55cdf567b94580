package main

import (
	"math"

	"stats-recorder/insight"
)

// A method judges benefits by the counts of a window. A higher score is better;
// one that is not known is NaN.
type method struct {
	name   string
	scores func(w *window, a *insight.Analysis) []float64
}

// methods are the columns of the first table.
func methods() []method {
	ofRows := func(pick func(insight.Benefit) insight.Number) func(*window, *insight.Analysis) []float64 {
		return func(_ *window, a *insight.Analysis) []float64 {
			scores := make([]float64, len(a.Benefits))
			for i, row := range a.Benefits {
				scores[i] = float64(pick(row))
			}
			return scores
		}
	}
	return []method{
		{"raw CTR", ofRows(func(row insight.Benefit) insight.Number { return row.CTR })},
		{"OpenSearch", func(w *window, _ *insight.Analysis) []float64 { return openSearchCOEC(w) }},
		{"COEC T,k", ofRows(func(row insight.Benefit) insight.Number { return row.COEC })},
		{"COEC k", func(w *window, _ *insight.Analysis) []float64 { return indexCOEC(w) }},
		{"EM-PBM k", func(w *window, _ *insight.Analysis) []float64 { return expectationMaximisation(w) }},
		{"merit", ofRows(func(row insight.Benefit) insight.Number { return row.Score })},
	}
}

// byIndex are shows and clicks of a benefit by index, all page lengths together.
type byIndex struct{ shows, clicks [longestPage + 1]float64 }

func (w *window) byIndex(benefit int) *byIndex {
	var sums byIndex
	w.each(benefit, func(_, index int, shows, clicks float64) {
		sums.shows[index] += shows
		sums.clicks[index] += clicks
	})
	return &sums
}

// indexRates are the clicks a show of each index, all benefits together.
func (w *window) indexRates() [longestPage + 1]float64 {
	var shows, rates [longestPage + 1]float64
	for benefit := range benefits {
		sums := w.byIndex(benefit)
		for index := range rates {
			shows[index] += sums.shows[index]
			rates[index] += sums.clicks[index]
		}
	}
	for index := range rates {
		if shows[index] > 0 {
			rates[index] /= shows[index]
		}
	}
	return rates
}

// indexCOEC is clicks ÷ Σ shows·rate of the index.
func indexCOEC(w *window) []float64 {
	rates, scores := w.indexRates(), make([]float64, benefits)
	for benefit := range scores {
		sums := w.byIndex(benefit)
		clicks, expected := 0.0, 0.0
		for index := range rates {
			clicks += sums.clicks[index]
			expected += sums.shows[index] * rates[index]
		}
		scores[benefit] = clicks / expected
	}
	return scores
}

// openSearchCOEC is clicks ÷ (all shows · the rate of the first index that the
// benefit was ever seen at), as search-relevance computes it.
func openSearchCOEC(w *window) []float64 {
	rates, scores := w.indexRates(), make([]float64, benefits)
	for benefit := range scores {
		sums := w.byIndex(benefit)
		clicks, shows, first := 0.0, 0.0, 0
		for index := range rates {
			clicks += sums.clicks[index]
			shows += sums.shows[index]
			if first == 0 && sums.shows[index] > 0 {
				first = index
			}
		}
		scores[benefit] = clicks / (shows * rates[first])
	}
	return scores
}

// expectationMaximisation fits the position-based model by index with
// probabilities of being looked at and of being clicked then (Chuklin 2015). It
// has to cut clicks at shows, since a probability has no room for repeats.
func expectationMaximisation(w *window) []float64 {
	const passes = 300
	attraction, visibility := make([]float64, benefits), [longestPage + 1]float64{}
	counts := make([]*byIndex, benefits)
	for benefit := range counts {
		counts[benefit] = w.byIndex(benefit)
		attraction[benefit] = 0.2
	}
	for index := range visibility {
		visibility[index] = 1 / (1 + 0.1*float64(index))
	}
	for range passes {
		attraction, visibility = maximise(counts, attraction, &visibility)
	}
	return attraction
}

// maximise is one pass of expectationMaximisation.
func maximise(counts []*byIndex, attraction []float64, visibility *[longestPage + 1]float64) ([]float64, [longestPage + 1]float64) {
	next := make([]float64, len(attraction))
	var looked, shown [longestPage + 1]float64
	for benefit, sums := range counts {
		attracted, all := 0.0, 0.0
		for index, shows := range sums.shows {
			if shows == 0 {
				continue
			}
			clicks := min(sums.clicks[index], shows)
			a, v := attraction[benefit], visibility[index]
			neither := math.Max(1-a*v, 1e-12)
			attracted += clicks + (shows-clicks)*a*(1-v)/neither
			all += shows
			looked[index] += clicks + (shows-clicks)*v*(1-a)/neither
			shown[index] += shows
		}
		next[benefit] = attracted / all
	}
	for index := range looked {
		if shown[index] > 0 {
			looked[index] /= shown[index]
		}
	}
	return next, looked
}
