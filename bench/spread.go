package main

import (
	"errors"
	"fmt"
	"sort"
)

// longestPage is the largest page_total of the contract.
const longestPage = 1000

// usualPage is the page_total of most pages, and the shortest that counters are
// spread over when batches are whole pages.
const usualPage = 30

// errTooManyCounters is returned when a workload cannot have as many distinct
// counters as it was asked for.
var errTooManyCounters = errors.New("more counters than there are benefits, events and positions")

// spreadPages are pages that together touch a number of distinct counters, each
// exactly once. They are not held but computed from their number, so that ten
// million counters cost no memory here.
//
// A page is a rotation of the benefits, of one event type, at one window of
// consecutive positions of one page length. Rotations are exhausted first, then
// event types, then windows, then lengths.
type spreadPages struct {
	batch    int // records in a page; 0 is all positions of the length
	benefits int
	events   int
	pages    int
	stride   int        // coprime to pages: neighbouring numbers are far apart
	lengths  []pageSpan // in order
}

// pageSpan is the pages of one page length.
type pageSpan struct {
	total   int
	windows int
	first   int // number of pages of all shorter lengths
}

func newSpreadPages(shape workloadShape) (*spreadPages, error) {
	spread := &spreadPages{batch: shape.batch, benefits: shape.benefits, events: len(eventTypes())}
	missing := shape.counters
	shortest := shape.batch
	if shape.batch == 0 {
		shortest = usualPage
	}
	for total := shortest; total <= longestPage && missing > 0; total++ {
		span := pageSpan{total: total, windows: total / spread.size(total), first: spread.pages}
		spread.lengths = append(spread.lengths, span)
		wanted := (missing + spread.size(total) - 1) / spread.size(total)
		pages := min(span.windows*spread.events*spread.benefits, wanted)
		spread.pages += pages
		missing -= pages * spread.size(total)
	}
	if missing > 0 {
		return nil, fmt.Errorf("%d counters from %d benefits: %w", shape.counters, shape.benefits, errTooManyCounters)
	}
	spread.stride = coprimeStride(spread.pages)
	return spread, nil
}

func (s *spreadPages) count() int { return s.pages }

// size is how many records a page of that length has.
func (s *spreadPages) size(total int) int {
	if s.batch > 0 {
		return s.batch
	}
	return total
}

func (s *spreadPages) load(number int, into *page) {
	place := int(uint64(number) * uint64(s.stride) % uint64(s.pages))
	position := sort.Search(len(s.lengths), func(i int) bool { return s.lengths[i].first > place }) - 1
	span := s.lengths[position]
	place -= span.first
	rotation := place % s.benefits
	place /= s.benefits
	into.event = place % s.events
	window := place / s.events
	size := s.size(span.total)
	into.total = span.total
	into.firstIndex = 1 + window*size
	into.visitor = uint64(number+1) * 0x9e3779b97f4a7c15
	into.benefits = into.benefits[:0]
	for offset := range size {
		into.benefits = append(into.benefits, (rotation+offset)%s.benefits)
	}
}

// coprimeStride returns a step that visits all of count places before it comes
// back to the first, with neighbours about a golden section apart.
func coprimeStride(count int) int {
	stride := max(1, int(float64(count)*0.618))
	for greatestCommonDivisor(stride, count) != 1 {
		stride++
	}
	return stride
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
