// Package counters is the truth in memory: which benefit was shown or clicked
// how often, at which position of how long a page.
//
// It has no I/O and no clock. Times come in as an Hour, durability is reported
// back through a Ticket. The parts, from small to large:
//
//	Key        event type, version, page total and index, packed in one integer
//	Table      counts of many benefits for one span of time
//	Batch      the records of one request, on their way into the store
//	Store      lock-sharded layers of tables; every reader and writer meets here
//	Delta      what gathered in the store since the last seal, waiting to be durable
//
// A Store's data moves one way: Add puts a batch into the active layer, Seal
// takes the active layer out as a Delta, and the owner of the delta either
// folds it into the base or drops it. Any number of goroutines may add and
// read; one goroutine, the persistence goroutine, seals, folds, drops and
// freezes.
package counters
