package blackbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Counter is what one count is of.
type Counter struct {
	// Benefit is benefit_id, and Event is event_type.
	Benefit, Event string
	// Version, Total and Index are version, page_total and benefit_index.
	Version, Total, Index int
}

// Record is a record that bumps the counter, as JSON.
func (c Counter) Record() string {
	return Record(Fields{
		"benefit_id": Quote(c.Benefit), "event_type": Quote(c.Event), "version": strconv.Itoa(c.Version),
		"page_total": strconv.Itoa(c.Total), "benefit_index": strconv.Itoa(c.Index),
	})
}

// Ledger is the client's own account of what was acknowledged, and says what
// the server has to answer. It is safe for concurrent use.
type Ledger struct {
	mu sync.Mutex
	// Counts are how many records of each counter were acknowledged. They may be
	// touched while nobody posts.
	Counts map[Counter]int
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{Counts: make(map[Counter]int)} }

// Add counts a record of each of some counters.
func (l *Ledger) Add(counters ...Counter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range counters {
		l.Counts[c]++
	}
}

// Totals is GET /benefits as benefit → event type → count.
func (l *Ledger) Totals() map[string]map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	totals := make(map[string]map[string]int)
	for c, count := range l.Counts {
		if totals[c.Benefit] == nil {
			totals[c.Benefit] = make(map[string]int)
		}
		totals[c.Benefit][c.Event] += count
	}
	return totals
}

// Statistics is the body of GET /statistics for one version, byte for byte.
func (l *Ledger) Statistics(version int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums, ofBenefit := make(map[string]int), make(map[string][]Counter)
	for c, count := range l.Counts {
		if c.Version == version {
			sums[c.Benefit] += count
			ofBenefit[c.Benefit] = append(ofBenefit[c.Benefit], c)
		}
	}
	benefits := slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	var entries []string
	for _, benefit := range benefits {
		entries = append(entries, fmt.Sprintf(`{"benefit":%s,"events_count":%d,"events":%s}`,
			Quote(benefit), sums[benefit], l.positionsLocked(ofBenefit[benefit])))
	}
	return Array(entries...)
}

// positionsLocked sorts the counters of a benefit and writes them as JSON.
func (l *Ledger) positionsLocked(counters []Counter) string {
	event := func(c Counter) string { return Quote(c.Event) }
	total := func(c Counter) string { return Quote(strconv.Itoa(c.Total)) }
	index := func(c Counter) string { return Quote(strconv.Itoa(c.Index)) }
	slices.SortFunc(counters, func(a, b Counter) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(a.Total, b.Total), cmp.Compare(a.Index, b.Index))
	})
	return group(counters, event, func(ofEvent []Counter) string {
		return group(ofEvent, total, func(ofTotal []Counter) string {
			return group(ofTotal, index, func(one []Counter) string { return strconv.Itoa(l.Counts[one[0]]) })
		})
	})
}

// group writes sorted counters as a JSON object of runs with an equal key.
func group(counters []Counter, key func(Counter) string, value func([]Counter) string) string {
	var members []string
	for len(counters) > 0 {
		end := 1
		for end < len(counters) && key(counters[end]) == key(counters[0]) {
			end++
		}
		members = append(members, key(counters[0])+":"+value(counters[:end]))
		counters = counters[end:]
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Expect requires both answers of the server to be exactly the ledger's.
func (l *Ledger) Expect(t testing.TB, s *Server, versions ...int) {
	t.Helper()
	if got, want := s.Totals(t, ""), l.Totals(); !reflect.DeepEqual(got, want) {
		t.Errorf("GET /benefits\n got %v\nwant %v", got, want)
	}
	for _, version := range versions {
		s.Get(t, "/statistics?version="+strconv.Itoa(version)).Expect(t, http.StatusOK, l.Statistics(version))
	}
}

// Post posts counters as one batch, requires the acknowledgement and books it.
func (l *Ledger) Post(t testing.TB, s *Server, counters ...Counter) {
	t.Helper()
	var records []string
	for _, c := range counters {
		records = append(records, c.Record())
	}
	s.Created(t, Array(records...))
	l.Add(counters...)
}
