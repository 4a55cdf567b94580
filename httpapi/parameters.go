package httpapi

import (
	"net/url"
	"slices"
	"strings"
	"sync"
)

// headerIgnored names the query parameters that were ignored.
const headerIgnored = "Ignored-Parameters"

// The parameters that the built-in endpoints know.
var (
	windowParameters     = []string{"start_at", "end_at"}
	statisticsParameters = append([]string{"version"}, windowParameters...)
	timelineParameters   = append([]string{"step", "time_zone", "group", "benefit", "event_type"}, windowParameters...)
)

const (
	// maxIgnoredNames bounds how many names are counted apart, and are named in one
	// answer; maxIgnoredBytes how much of one is kept. Clients choose them.
	maxIgnoredNames = 32
	maxIgnoredBytes = 64
	// otherNames is what the rest is counted under.
	otherNames = "other"
)

// beyond are the names of the parameters that are none of the known ones, each once.
func (q Query) beyond(known []string) (names []string) {
	for _, p := range q {
		if p.Name != "" && !slices.Contains(known, p.Name) && !slices.Contains(names, p.Name) && len(names) < maxIgnoredNames {
			names = append(names, p.Name)
		}
	}
	return names
}

// listOfNames is a list for a header: what has no place there is escaped.
func listOfNames(names []string) string {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = url.QueryEscape(shortName(name))
	}
	return strings.Join(escaped, ", ")
}

func shortName(name string) string {
	if len(name) > maxIgnoredBytes {
		return strings.ToValidUTF8(name[:maxIgnoredBytes], "") + "…"
	}
	return name
}

// nameFigures count requests by names that clients choose.
type nameFigures struct {
	mu     sync.Mutex
	counts map[string]uint64 // guarded by mu
}

// count counts a request under each of the names.
func (f *nameFigures) count(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]uint64{}
	}
	for _, name := range names {
		name = url.QueryEscape(shortName(name))
		if _, known := f.counts[name]; !known && len(f.counts) >= maxIgnoredNames {
			name = otherNames
		}
		f.counts[name]++
	}
}

// IgnoredParameters calls visit for each query parameter that an endpoint did not
// know, escaped as in a query, with how many reads had it.
func (m *Metrics) IgnoredParameters(visit func(name string, requests uint64)) {
	m.ignoredParameters.mu.Lock()
	defer m.ignoredParameters.mu.Unlock()
	for name, requests := range m.ignoredParameters.counts {
		visit(name, requests)
	}
}
