package report

import "stats-recorder/counters"

// A Source gives the counts of all of time, those of closed days included, in one
// view. Any number of goroutines may use it.
type Source interface {
	// Read visits the benefits that a query counts something for, with their cells
	// sorted by key and valid during the call. An error means that something of it
	// cannot be read; nothing was visited then.
	Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error
	// ReadDays visits the positions of one version, day by day from a day on, up to but
	// without to: each benefit of a day with its cells, sorted by key and valid during the
	// call. It calls begin before the first visit, and again when all is visited anew.
	ReadDays(version uint16, from, to counters.Day, begin func(), visit func(counters.Day, counters.Benefit, []counters.Cell)) error
	// KeptFrom is the first day that has not been given up, if any has.
	KeptFrom() (counters.Day, bool)
	// Span is the first and the last day that have counts, if any has.
	Span() (first, last counters.Day, any bool)
	// Edition grows whenever what Read would say may have changed. It is cheap.
	Edition() uint64
	// BenefitNames are the names of benefits by number, EventNames those of event
	// types by number less one, empty for none yet. Both grow, and are read only.
	BenefitNames() []string
	EventNames() []string
}
