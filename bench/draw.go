package main

import (
	"math"
	"math/rand/v2"
	"sort"
)

// eventShow is the position of "show" in eventTypes.
const eventShow = 0

// eventTypes are the event types every server of the contract accepts.
func eventTypes() []string {
	return []string{
		"show", "showDetails", "showDetailsFromGroupPage", "form", "instructions", "link",
		"msa", "show-locations", "link-ineligible", "show-unexpected",
		"show-unexpected-amount-link", "close", "teleservice", "teleservicePrefill",
		"retour-logement", "simulation-caf", "email",
	}
}

// eventMix is a distribution over eventTypes: cumulative shares, the last is 1.
type eventMix []float64

// clickWeights is how often visitors do what with a result that they were shown.
func clickWeights() map[string]float64 {
	return map[string]float64{
		"showDetails": 46, "showDetailsFromGroupPage": 10, "form": 8, "instructions": 7, "link": 12,
		"show-locations": 4, "show-unexpected": 3, "show-unexpected-amount-link": 2, "close": 3, "teleservice": 5,
	}
}

// clickMix is the mix of events that are not "show".
func clickMix() eventMix { return newEventMix(clickWeights()) }

// recordMix is the mix of events over all records of a site: most are "show".
func recordMix() eventMix {
	weights := clickWeights()
	weights["show"] = 900
	return newEventMix(weights)
}

func newEventMix(weights map[string]float64) eventMix {
	mix := make(eventMix, len(eventTypes()))
	total := 0.0
	for number, event := range eventTypes() {
		total += weights[event]
		mix[number] = total
	}
	for number := range mix {
		mix[number] /= total
	}
	return mix
}

func (mix eventMix) draw(random *rand.Rand) int {
	return searchShare(mix, random.Float64())
}

// popularity is a Zipf distribution over benefit numbers: the one of rank r is
// drawn with a weight of 1/r^exponent. Which benefit has which rank is drawn too.
type popularity struct {
	cumulative []float64
	ranking    []int
}

func newPopularity(benefits int, exponent float64, random *rand.Rand) *popularity {
	drawn := &popularity{cumulative: make([]float64, benefits), ranking: random.Perm(benefits)}
	total := 0.0
	for rank := range drawn.cumulative {
		total += math.Pow(float64(rank+1), -exponent)
		drawn.cumulative[rank] = total
	}
	for rank := range drawn.cumulative {
		drawn.cumulative[rank] /= total
	}
	return drawn
}

func (p *popularity) draw(random *rand.Rand) int {
	return p.ranking[searchShare(p.cumulative, random.Float64())]
}

// drawDistinct draws the benefits of one page, each at most once. The rare ones
// are hard to draw last, so after some tries the page is filled up in the order
// of popularity; a page longer than there are benefits begins again.
func (p *popularity) drawDistinct(random *rand.Rand, count int) []int {
	drawn := make([]int, 0, count)
	seen := make(map[int]bool, count)
	take := func(benefit int) {
		if !seen[benefit] && len(drawn) < count {
			seen[benefit] = true
			drawn = append(drawn, benefit)
		}
	}
	for tries := 0; tries < 20*count && len(seen) < len(p.ranking); tries++ {
		take(p.draw(random))
	}
	for _, benefit := range p.ranking {
		take(benefit)
	}
	for number := 0; len(drawn) < count; number++ {
		drawn = append(drawn, drawn[number])
	}
	return drawn
}

// searchShare returns the position whose share of cumulative holds the value.
func searchShare(cumulative []float64, value float64) int {
	return min(sort.SearchFloat64s(cumulative, value), len(cumulative)-1)
}
