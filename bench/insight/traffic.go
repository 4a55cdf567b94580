package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	benefits    = 80
	longestPage = 60
	// Merits are drawn between these, evenly in their logs: clicks a show where
	// everybody looks.
	leastMerit, mostMerit = 0.03, 0.5
	// meanLogLength and spreadLogLength are those of page lengths, around 15.
	meanLogLength, spreadLogLength = 2.7, 0.6
	// strongOrder is how the order correlates with merit, if it is good; negative if
	// it is bad.
	strongOrder = 0.8
)

// A behaviour is a model of pages and of the clicks on them.
type behaviour struct {
	name string
	// order is the correlation of the fixed order of display with the log of merit.
	order float64
	// shuffled pages are in random order instead.
	shuffled bool
	// visibility is how likely somebody looks at an index.
	visibility func(index int) float64
	// level is how much a page of a length is clicked.
	level func(length int) float64
	// visits clicks on a page; nil is a click or none for each entry by itself.
	visits func(random *rand.Rand, page []float64, clicks []int)
	// mixed visitors differ in how much they click, and click again.
	mixed bool
}

// behaviours are those of the tables.
func behaviours() []behaviour {
	inverse := func(index int) float64 { return 1 / float64(index) }
	root := func(index int) float64 { return 1 / math.Sqrt(float64(index)) }
	same := func(int) float64 { return 1 }
	less := func(length int) float64 { return min(1, 8/float64(length)) }
	best, worst := strongOrder, -strongOrder
	return []behaviour{
		{name: "random order", shuffled: true, visibility: inverse, level: same},
		{name: "fixed, unrelated to merit", visibility: inverse, level: same},
		{name: "best first", order: best, visibility: inverse, level: same},
		{name: "best last", order: worst, visibility: inverse, level: same},
		{name: "best first, visibility 1/sqrt k", order: best, visibility: root, level: same},
		{name: "best first, long pages less", order: best, visibility: inverse, level: less},
		{name: "best last, long pages less", order: worst, visibility: inverse, level: less},
		{name: "best first, repeated, mixed", order: best, visibility: inverse, level: same, mixed: true},
		{name: "cascade, best first", order: best, visits: cascade},
		{name: "cascade, best last", order: worst, visits: cascade},
	}
}

// cascades says whether the model of the insight package is wrong for it.
func (b behaviour) cascades() bool { return b.visits != nil }

// A world is the part that stays the same from page to page.
type world struct {
	merit    []float64 // by benefit
	eligible []float64 // how often a benefit is on pages, relative
	order    []int     // benefits as they are displayed
}

func newWorld(random *rand.Rand, b behaviour) *world {
	w := &world{
		merit: make([]float64, benefits), eligible: make([]float64, benefits), order: make([]int, benefits),
	}
	priority := make([]float64, benefits)
	low, high := math.Log(leastMerit), math.Log(mostMerit)
	for i := range benefits {
		draw := random.Float64()
		w.merit[i] = math.Exp(low + draw*(high-low))
		w.eligible[i] = math.Exp(random.NormFloat64())
		w.order[i] = i
		standardised := (draw - 0.5) * math.Sqrt(12)
		priority[i] = b.order*standardised + math.Sqrt(1-b.order*b.order)*random.NormFloat64()
	}
	slices.SortFunc(w.order, func(i, j int) int { return cmp.Compare(priority[j], priority[i]) })
	return w
}

// page is the benefits of a page as they are displayed: a sample without
// replacement, weighted by eligibility (Efraimidis & Spirakis 2006).
func (w *world) page(random *rand.Rand, b behaviour, scratch []float64) []int {
	length := int(math.Round(math.Exp(meanLogLength + spreadLogLength*random.NormFloat64())))
	length = max(1, min(length, longestPage))
	for i := range benefits {
		scratch[i] = random.ExpFloat64() / w.eligible[i]
	}
	limit := slices.Sorted(slices.Values(scratch))[length-1]
	page := make([]int, 0, length)
	for _, benefit := range w.order {
		if scratch[benefit] <= limit {
			page = append(page, benefit)
		}
	}
	if b.shuffled {
		random.Shuffle(len(page), func(i, j int) { page[i], page[j] = page[j], page[i] })
	}
	return page
}

// click draws how often each entry of a page is clicked.
func (b behaviour) click(random *rand.Rand, merits []float64, clicks []int) {
	clear(clicks)
	if b.visits != nil {
		b.visits(random, merits, clicks)
		return
	}
	activity := 1.0
	if b.mixed {
		activity = random.ExpFloat64()
	}
	level := b.level(len(merits))
	for i, merit := range merits {
		if random.Float64() >= merit*b.visibility(i+1)*level*activity {
			continue
		}
		clicks[i] = 1
		for b.mixed && random.Float64() < 0.4 { // the details page is loaded again
			clicks[i]++
		}
	}
}

// cascade looks at one entry after the other, goes on with 95 % after one that
// was not clicked and with 30 % after one that was (Chapelle & Zhang 2009).
func cascade(random *rand.Rand, merits []float64, clicks []int) {
	const onward, afterClick = 0.95, 0.3
	for i, merit := range merits {
		further := onward
		if random.Float64() < merit {
			clicks[i] = 1
			further = afterClick
		}
		if random.Float64() >= further {
			return
		}
	}
}
