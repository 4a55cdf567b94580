package main

import (
	"bytes"
	"math/rand/v2"
)

// page is what one request reports: consecutive positions of one page of
// results as one visitor saw it. All its records share everything but the
// benefit and its index.
type page struct {
	event      int   // position in eventTypes
	total      int   // page_total
	firstIndex int   // benefit_index of the first record
	benefits   []int // benefit numbers, in the order of the page
	visitor    uint64
}

// pageSource is a numbered, repeatable sequence of pages: the same number
// always gives the same page, so that counting how often a number was
// acknowledged is enough to know every count.
type pageSource interface {
	// count is how many different pages there are.
	count() int
	// load overwrites into with the page of that number, reusing its slice.
	load(number int, into *page)
}

// workload is the traffic of one lane: numbered requests, ready to be written
// to a connection, and the records in each. It is immutable and may be shared
// by any number of connections.
type workload struct {
	shape    workloadShape
	names    []string
	events   []string
	heads    heads  // of requests
	read     []byte // a request that reads
	source   pageSource
	requests [][]byte // nil when requests are composed as they are sent
	sizes    []int32  // records in each request; nil together with requests
}

// workloadShape is everything that decides the bytes of a workload. Two equal
// shapes give the same bytes, whatever the machine.
type workloadShape struct {
	batch    int // records in a request; 0 is a whole page of realistic size
	benefits int
	zipf     float64
	counters int // distinct counters to spread over; 0 lets them arise
	// strangers has a visitor for each record.
	strangers bool
	version   int
	seed      uint64
	host      string // value of the Host header
	path      string // request target, /benefits unless the base URL has a path
}

// prebuiltBytes bounds the memory of prebuilt requests. It is far larger than
// any processor cache, so that a server does not see only hot bytes.
const prebuiltBytes = 24 << 20

// newWorkload builds the requests of a shape. Drawn pages are composed here,
// once, so that sending costs the load generator nothing but the write; pages
// that spread over a number of counters are too many to hold and are composed
// as they are sent.
func newWorkload(shape workloadShape) (*workload, error) {
	built := &workload{
		shape:  shape,
		names:  benefitNames(shape.benefits),
		events: eventTypes(),
		heads:  newHeads(shape),
		read:   emptyReadRequest(shape),
	}
	if shape.counters > 0 {
		spread, err := newSpreadPages(shape)
		if err != nil {
			return nil, err
		}
		built.source = spread
		return built, nil
	}
	built.source = drawPages(shape)
	built.requests, built.sizes = built.composeAll()
	return built, nil
}

// composeAll returns all requests and the number of records in each.
func (w *workload) composeAll() ([][]byte, []int32) {
	requests := make([][]byte, w.count())
	sizes := make([]int32, w.count())
	composer := composer{}
	for number := range requests {
		request, records := w.request(number, &composer)
		requests[number] = bytes.Clone(request)
		sizes[number] = int32(records)
	}
	return requests, sizes
}

// count is how many different requests there are.
func (w *workload) count() int { return w.source.count() }

// request returns the bytes of a request, not to be written to and valid until
// the composer is used again, and the number of records in it.
func (w *workload) request(number int, composer *composer) ([]byte, int) {
	if w.requests != nil {
		return w.requests[number], int(w.sizes[number])
	}
	w.source.load(number, &composer.page)
	return composer.compose(w), len(composer.page.benefits)
}

// drawnPages are pages drawn at random, held in memory.
type drawnPages []page

func (pages drawnPages) count() int { return len(pages) }

func (pages drawnPages) load(number int, into *page) { *into = pages[number] }

// drawPages draws as many pages as the memory for prebuilt requests allows.
func drawPages(shape workloadShape) drawnPages {
	random := rand.New(rand.NewPCG(shape.seed, uint64(shape.batch)))
	drawer := newPageDrawer(shape, random)
	var pages drawnPages
	for used := 0; used < prebuiltBytes; {
		drawn := drawer.draw()
		pages = append(pages, drawn)
		used += requestOverheadBytes + recordBytes*len(drawn.benefits)
	}
	return pages
}

// pageDrawer draws pages of one shape.
type pageDrawer struct {
	shape      workloadShape
	random     *rand.Rand
	popularity *popularity
	clicks     eventMix
	mixed      eventMix
}

func newPageDrawer(shape workloadShape, random *rand.Rand) *pageDrawer {
	return &pageDrawer{
		shape:      shape,
		random:     random,
		popularity: newPopularity(shape.benefits, shape.zipf, random),
		clicks:     clickMix(),
		mixed:      recordMix(),
	}
}

// clickShare is the part of requests that report a click rather than a page,
// when batches are whole pages: most visitors look, some act.
const clickShare = 0.4

func (d *pageDrawer) draw() page {
	drawn := page{visitor: d.random.Uint64(), firstIndex: 1}
	switch {
	case d.shape.batch > 1:
		drawn.event = d.mixed.draw(d.random)
		drawn.total = d.shape.batch
		drawn.benefits = d.popularity.drawDistinct(d.random, d.shape.batch)
	case d.shape.batch == 1:
		drawn.event = d.mixed.draw(d.random)
		d.drawSingle(&drawn)
	case d.random.Float64() < clickShare:
		drawn.event = d.clicks.draw(d.random)
		d.drawSingle(&drawn)
	default:
		drawn.event = eventShow
		drawn.total = drawPageTotal(d.random)
		drawn.benefits = d.popularity.drawDistinct(d.random, drawn.total)
	}
	return drawn
}

// drawSingle makes the page one record: some position of some page.
func (d *pageDrawer) drawSingle(drawn *page) {
	drawn.total = drawPageTotal(d.random)
	drawn.firstIndex = 1 + d.random.IntN(drawn.total)
	drawn.benefits = []int{d.popularity.draw(d.random)}
}

// drawPageTotal draws how many results a page has: 1 to 60, about 30 the most.
func drawPageTotal(random *rand.Rand) int {
	return 1 + random.IntN(30) + random.IntN(31)
}
