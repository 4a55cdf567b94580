package cluster

import "stats-recorder/counters"

// An Expiry is what a node says of RETENTION: by its clock, and that of the log's
// servers, it lets go of the days before one.
type Expiry struct {
	// Node is the identity of the node's directory, and not an origin: one machine may
	// have had several.
	Node   [16]byte
	Before counters.Day
}

// Expired is what nodes have said of RETENTION. A day has expired once two nodes have
// said so: the wrong clock of one costs nobody a day. What has expired follows from
// which sayings are known, in whatever order they came, so that states with the same
// frames have the same days. The zero Expired has none.
type Expired struct {
	// furthest is the saying that goes furthest, and seconded what another node than
	// that of furthest has said at most.
	furthest Expiry
	seconded counters.Day
}

// Before is the first day that has not expired, 0 if none has.
func (e Expired) Before() counters.Day { return e.seconded }

// Add adds what a node says.
func (e *Expired) Add(said Expiry) {
	switch {
	case said.Node == e.furthest.Node:
		e.furthest.Before = max(e.furthest.Before, said.Before)
	case said.Before > e.furthest.Before:
		e.seconded, e.furthest = e.furthest.Before, said
	default:
		e.seconded = max(e.seconded, said.Before)
	}
}
