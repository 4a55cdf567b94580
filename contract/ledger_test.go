package contract

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

// counter is what one count is of.
type counter struct {
	benefit, event        string
	version, total, index int
}

func (c counter) record() string {
	return record(fields{
		"benefit_id": quote(c.benefit), "event_type": quote(c.event), "version": strconv.Itoa(c.version),
		"page_total": strconv.Itoa(c.total), "benefit_index": strconv.Itoa(c.index),
	})
}

// ledger is the client's own account of what was acknowledged, and says what
// the server has to answer. It is safe for concurrent use.
type ledger struct {
	mu     sync.Mutex
	counts map[counter]int
}

func newLedger() *ledger { return &ledger{counts: make(map[counter]int)} }

func (l *ledger) add(counters ...counter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range counters {
		l.counts[c]++
	}
}

// totals is GET /benefits as benefit → event type → count.
func (l *ledger) totals() map[string]map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	totals := make(map[string]map[string]int)
	for c, count := range l.counts {
		if totals[c.benefit] == nil {
			totals[c.benefit] = make(map[string]int)
		}
		totals[c.benefit][c.event] += count
	}
	return totals
}

// statistics is the body of GET /statistics for one version, byte for byte.
func (l *ledger) statistics(version int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums, ofBenefit := make(map[string]int), make(map[string][]counter)
	for c, count := range l.counts {
		if c.version == version {
			sums[c.benefit] += count
			ofBenefit[c.benefit] = append(ofBenefit[c.benefit], c)
		}
	}
	benefits := slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	var entries []string
	for _, benefit := range benefits {
		entries = append(entries, fmt.Sprintf(`{"benefit":%s,"events_count":%d,"events":%s}`,
			quote(benefit), sums[benefit], l.positionsLocked(ofBenefit[benefit])))
	}
	return array(entries...)
}

// positionsLocked sorts the counters of a benefit and writes them as JSON.
func (l *ledger) positionsLocked(counters []counter) string {
	event := func(c counter) string { return quote(c.event) }
	total := func(c counter) string { return quote(strconv.Itoa(c.total)) }
	index := func(c counter) string { return quote(strconv.Itoa(c.index)) }
	slices.SortFunc(counters, func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.total, b.total), cmp.Compare(a.index, b.index))
	})
	return group(counters, event, func(ofEvent []counter) string {
		return group(ofEvent, total, func(ofTotal []counter) string {
			return group(ofTotal, index, func(one []counter) string { return strconv.Itoa(l.counts[one[0]]) })
		})
	})
}

// group writes sorted counters as a JSON object of runs with an equal key.
func group(counters []counter, key func(counter) string, value func([]counter) string) string {
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

// expect requires both answers of the server to be exactly the ledger's.
func (l *ledger) expect(t testing.TB, s *testServer, versions ...int) {
	t.Helper()
	if got, want := s.totals(t, ""), l.totals(); !reflect.DeepEqual(got, want) {
		t.Errorf("GET /benefits\n got %v\nwant %v", got, want)
	}
	for _, version := range versions {
		s.get(t, "/statistics?version="+strconv.Itoa(version)).expect(t, http.StatusOK, l.statistics(version))
	}
}

// post posts counters as one batch, requires the acknowledgement and books it.
func (l *ledger) post(t testing.TB, s *testServer, counters ...counter) {
	t.Helper()
	var records []string
	for _, c := range counters {
		records = append(records, c.record())
	}
	s.created(t, array(records...))
	l.add(counters...)
}
