package httpapi

import "sync/atomic"

// defence counts what was done against too much.
type defence struct {
	refused, evicted, timedOut, acceptFailures atomic.Uint64
	limitedRequests, limitedRecords            atomic.Uint64
	unauthorized, busy, panics                 atomic.Uint64
}

func (m *Metrics) limited(records int) {
	m.defence.limitedRequests.Add(1)
	m.defence.limitedRecords.Add(uint64(records))
}

// Defences calls visit for each thing that the server does against too much,
// with how often it did.
func (m *Metrics) Defences(visit func(name string, count uint64)) {
	d := &m.defence
	visit("connections_refused", d.refused.Load())
	visit("connections_evicted", d.evicted.Load())
	visit("connections_timed_out", d.timedOut.Load())
	visit("accept_failures", d.acceptFailures.Load())
	visit("rate_limited_requests", d.limitedRequests.Load())
	visit("rate_limited_records", d.limitedRecords.Load())
	visit("unauthorized_reads", d.unauthorized.Load())
	visit("busy_reads", d.busy.Load())
	visit("panics", d.panics.Load())
}
