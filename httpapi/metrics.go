package httpapi

import (
	"runtime"
	"sync/atomic"
	"time"

	"stats-recorder/httpapi/records"
)

// Metrics is what a Server counts about itself since it was made. Reading it
// takes nothing from the requests; what it returns may be a request apart.
type Metrics struct {
	routes []routeName
	// stripes are written by lanes in turn, so that requests which are answered
	// at the same time seldom write to the same cache line.
	stripes  []stripe
	rejected fieldFigures
	leftOut  fieldFigures
	// ignoredParameters are counted by name.
	ignoredParameters nameFigures
	defence           defence
	repeated          repeated
	// looped counts connections that began in an event loop, left those of them that
	// the HTTP library serves to their end.
	looped, left atomic.Uint64
}

// stripe is a part of the figures; they are added up when read.
type stripe struct {
	requests [][len(countedStatuses) + 1]atomic.Uint64 // by route and status
	latency  []latencies                               // by route
	accepted atomic.Uint64
	last     atomic.Int64 // when that was, in nanoseconds since 1970; 0 before
	_        [64]byte
}

type latencies struct {
	buckets [len(latencyBounds) + 1]atomic.Uint64
	sum     atomic.Int64 // nanoseconds
}

// latencyBounds are the upper bounds of the latency histograms' buckets.
var latencyBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// countedStatuses have a figure of their own, those that are not listed share one.
var countedStatuses = [...]int{
	200, 204, 304, 400, 401, 404, 405, 408, 413, 415, 422, 429, 431, 500, 503,
}

// route is the number of what answers a request.
type route int

const (
	routePreflight route = iota
	routeUnknown         // no such path
	routeInvalid         // not an HTTP request
	routeFirst           // then the methods of each endpoint
)

// The methods of an endpoint, in the order of their routes.
const (
	methodGet = iota
	methodPost
	methodOther
	methods
)

func endpointRoute(endpoint, method int) route { return routeFirst + route(endpoint*methods+method) }

// routeName is how figures name a route: by words that clients cannot choose.
type routeName struct{ method, path string }

func newMetrics(endpoints []endpoint) *Metrics {
	m := &Metrics{routes: []routeName{{"OPTIONS", "any"}, {"any", "unknown"}, {"any", "invalid"}}}
	for _, e := range endpoints {
		m.routes = append(m.routes, routeName{"GET", e.path}, routeName{"POST", e.path}, routeName{"other", e.path})
	}
	m.stripes = make([]stripe, 4*runtime.GOMAXPROCS(0))
	for i := range m.stripes {
		m.stripes[i].requests = make([][len(countedStatuses) + 1]atomic.Uint64, len(m.routes))
		m.stripes[i].latency = make([]latencies, len(m.routes))
	}
	return m
}

// stripe returns the stripe of a lane.
func (m *Metrics) stripe(lane uint64) *stripe {
	return &m.stripes[lane%uint64(len(m.stripes))]
}

// answered counts a request that was answered.
func (m *Metrics) answered(lane uint64, r route, status int, took time.Duration) {
	s := m.stripe(lane)
	s.requests[r][statusIndex(status)].Add(1)
	bucket := 0
	for bucket < len(latencyBounds) && took > latencyBounds[bucket] {
		bucket++
	}
	s.latency[r].buckets[bucket].Add(1)
	s.latency[r].sum.Add(int64(took))
}

func statusIndex(status int) int {
	for i, counted := range countedStatuses {
		if counted == status {
			return i
		}
	}
	return len(countedStatuses)
}

func (m *Metrics) accepted(lane uint64, records int, now time.Time) {
	if records > 0 {
		stripe := m.stripe(lane)
		stripe.accepted.Add(uint64(records))
		if at := now.UnixNano(); stripe.last.Load() != at { // many are answered at one time
			stripe.last.Store(at)
		}
	}
}

// recordFigures counts what a decoder tells; see records.Observer.
type recordFigures struct{ *Metrics }

// Rejected counts a rejected record.
func (f recordFigures) Rejected(field records.Field, why records.Reason) {
	f.rejected[field][why].Add(1)
}

// LeftOut counts a part of a field that was left out.
func (f recordFigures) LeftOut(field records.Field, why records.Reason) { f.leftOut[field][why].Add(1) }

// events have what becomes of connections counted.
type events struct{ *Metrics }

// Refused counts a connection for which there was no place.
func (e events) Refused() { e.defence.refused.Add(1) }

// Evicted counts one that was closed to make room for another.
func (e events) Evicted() { e.defence.evicted.Add(1) }

// TimedOut counts one whose client took too long.
func (e events) TimedOut() { e.defence.timedOut.Add(1) }

// AcceptFailed counts a moment in which the system gave none.
func (e events) AcceptFailed() { e.defence.acceptFailures.Add(1) }

// Looped counts one that is served in an event loop.
func (e events) Looped() { e.looped.Add(1) }

// Left counts one that has left its loop for the library.
func (e events) Left() { e.left.Add(1) }

// Requests calls visit for each route and status that a request had; status 0
// stands for those that are rare.
func (m *Metrics) Requests(visit func(method, path string, status int, count uint64)) {
	for r, name := range m.routes {
		for i := range len(countedStatuses) + 1 {
			count, status := uint64(0), 0
			for s := range m.stripes {
				count += m.stripes[s].requests[r][i].Load()
			}
			if i < len(countedStatuses) {
				status = countedStatuses[i]
			}
			if count > 0 {
				visit(name.method, name.path, status, count)
			}
		}
	}
}

// LatencyBounds are the upper bounds of the buckets that Latencies has. One
// more has no bound.
func (m *Metrics) LatencyBounds() []time.Duration { return latencyBounds[:] }

// Latencies calls visit for each route that had a request, with how many
// requests each bucket has, and how long they took together. The time is that
// from the whole request to the whole answer. The slice is only valid during
// the call.
func (m *Metrics) Latencies(visit func(method, path string, buckets []uint64, sum time.Duration)) {
	var buckets [len(latencyBounds) + 1]uint64
	for r, name := range m.routes {
		clear(buckets[:])
		count, sum := uint64(0), int64(0)
		for s := range m.stripes {
			latency := &m.stripes[s].latency[r]
			for i := range buckets {
				n := latency.buckets[i].Load()
				buckets[i] += n
				count += n
			}
			sum += latency.sum.Load()
		}
		if count > 0 {
			visit(name.method, name.path, buckets[:], time.Duration(sum))
		}
	}
}

// Accepted is how many records were recorded.
func (m *Metrics) Accepted() (records uint64) {
	for s := range m.stripes {
		records += m.stripes[s].accepted.Load()
	}
	return records
}

// LastAccepted is when the last record was recorded, if any was.
func (m *Metrics) LastAccepted() (at time.Time, any bool) {
	last := int64(0)
	for s := range m.stripes {
		last = max(last, m.stripes[s].last.Load())
	}
	return time.Unix(0, last), last > 0
}

// Moves calls visit for the event loops, with how many connections have begun
// there, and for the HTTP library, with how many of these have gone on to it.
func (m *Metrics) Moves(visit func(to string, connections uint64)) {
	visit("loop", m.looped.Load())
	visit("library", m.left.Load())
}

// repeated counts batches whose idempotency key came before.
type repeated struct{ answered, otherBody atomic.Uint64 }

// Repeated calls visit for batches that came again with their idempotency key and were
// answered as the first, and for those that came with the key of another body.
func (m *Metrics) Repeated(visit func(outcome string, batches uint64)) {
	visit("answered", m.repeated.answered.Load())
	visit("other_body", m.repeated.otherBody.Load())
}

// Rejected calls visit for each field and reason for which records were
// rejected; the field "record" stands for records as a whole.
func (m *Metrics) Rejected(visit func(field, reason string, records uint64)) { m.rejected.each(visit) }

// LeftOut calls visit for each field and reason for which parts of good records
// were left out.
func (m *Metrics) LeftOut(visit func(field, reason string, parts uint64)) { m.leftOut.each(visit) }

// fieldFigures count by field and reason.
type fieldFigures [records.Fields][records.Reasons]atomic.Uint64

func (f *fieldFigures) each(visit func(field, reason string, count uint64)) {
	for field := range records.Field(records.Fields) {
		name := field.String()
		if field == records.WholeRecord {
			name = "record"
		}
		for reason := range records.Reason(records.Reasons) {
			if count := f[field][reason].Load(); count > 0 {
				visit(name, reason.String(), count)
			}
		}
	}
}
