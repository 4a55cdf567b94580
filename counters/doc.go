// Package counters is the truth in memory: which benefit was shown or clicked
// how often, at which position of how long a page.
//
// It has no I/O and no clock. Times come in as an Hour, durability is reported
// back through a Ticket. The parts, from small to large:
//
//	Key        event type, version, page total and index, packed in one integer
//	Table      counts of many benefits for one span of time, in cells, or stretches where they are close
//	Kind       what the keys of a table mean; KindRule is all there is to say of one
//	Part       the table of one kind and day
//	Batch      the records of one request, on their way into the store
//	Mark       what a batch is known by when it comes again
//	Store      lock-sharded layers of parts; every reader and writer meets here
//	Delta      what gathered in the store since the last seal, waiting to be durable
//	Gathering  what several deltas counted, added up to be told to other stores
//	Foreign    what another store counted, by names, on its way into this one
//	Query      which counts to read, and under which keys to add them up
//
// A Store's data moves one way: Add puts a batch into the active layer, Merge what
// another store counted; Seal takes the active layer out as a Delta, whose owner ends
// it by Commit, which folds it into the base, or by Reject. Any number of goroutines may
// add, merge and read; one goroutine, the committing goroutine, seals, commits, rejects
// and freezes.
package counters
