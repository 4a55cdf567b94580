package service

import (
	"stats-recorder/httpapi"
	"stats-recorder/idempotency"
	"stats-recorder/visitors"
)

// A budget is the memory there is, apportioned: how many bytes each use may take at
// most. What a setting does not say follows from it. docs/operations.md has the same
// table, with what each share buys.
type budget struct {
	// Counters are the counts and what holds them, in every layer.
	Counters uint64
	// Connections are clients, with the bodies that they send.
	Connections uint64
	// Answers are large answers: a half while they are made, a half while they leave.
	Answers uint64
	// Inflaters inflate bodies.
	Inflaters uint64
	// Commits are records that wait to be durable.
	Commits uint64
	// Files are what a snapshot, the last one included, and recovery hold of files.
	Files uint64
	// Windows are sums of closed days that are kept for the next who asks.
	Windows uint64
	// Insight is what is kept of windows that were read and fitted.
	Insight uint64
	// Keys are idempotency keys.
	Keys uint64
	// Visitors are the ledger of visitors.
	Visitors uint64
}

// usableShare is the part of the memory that is apportioned. The rest is garbage that
// is not collected yet, and what the system counts for the process: stacks, page
// tables, sockets.
const usableShare = 0.8

// apportion divides the memory, beside what the program takes itself.
func apportion(there uint64) budget {
	usable := uint64(float64(there) * usableShare)
	usable -= min(usable, programBytes())
	hundredth := usable / 100
	return budget{
		Counters:    36 * hundredth,
		Connections: 16 * hundredth,
		Answers:     12 * hundredth,
		Inflaters:   8 * hundredth,
		Commits:     6 * hundredth,
		Files:       6 * hundredth,
		Windows:     4 * hundredth,
		Insight:     4 * hundredth,
		Keys:        4 * hundredth,
		Visitors:    4 * hundredth,
	}
}

// within is how many things of a size have room in a share: at least one, and at most
// as many as anybody needs.
func within(share, size uint64, most int) int {
	return int(min(max(1, share/size), uint64(most)))
}

const (
	// counterBytes is the most that a counter takes: 27 bytes while the table of its
	// benefit grows, in the base, and as many in the overlay while a snapshot is
	// written; or 36 while stretches are made, and 17 in the other one, which does not grow
	// then. Once, when others' counts are first merged into a table, it is 51 for one benefit
	// after the other. See BenchmarkCounterMemory.
	counterBytes = 56
	// mostCounters and mostAnswerBytes are the settings of a machine that has more
	// memory than they need.
	mostCounters    = 20_000_000
	mostAnswerBytes = 256 << 20
	mostConnections = 4096
	// waitingBytes is what a record takes that waits to be durable: in the logs of two
	// deltas, sorted and added up, and in a frame.
	waitingBytes              = 64
	leastWaiting, mostWaiting = 100_000, 4_000_000
	// cachedBytes is what a counter takes in a window that is kept.
	cachedBytes = 18
	mostCached  = 2_000_000
	// leastJournal and mostJournal bound the size of a journal file.
	leastJournal, mostJournal = 4 << 20, 64 << 20
	mostInsight               = 32 << 20
	mostKeys                  = 1_000_000
	// visitorBytes is what a visitor takes with as many pairs as there is room for, on
	// each day that may be open: see visitors.Limits.
	visitorBytes   = visitors.MaxOpenDays * (74 + pairsOfVisitor*12)
	pairsOfVisitor = 8
)

// followMemory gives the settings that nobody has made what the budget allows.
func (c Config) followMemory(b budget) Config {
	byMemory := func(setting *int, share, size uint64, most int) {
		if *setting == 0 {
			*setting = within(share, size, most)
		}
	}
	byMemory(&c.MaxCounters, b.Counters, counterBytes, mostCounters)
	byMemory(&c.Bounds.AnswerBytes, b.Answers/2, 1, mostAnswerBytes)
	byMemory(&c.IdempotencyKeys, b.Keys, idempotency.KeyBytes, mostKeys)
	byMemory(&c.Bounds.Connections, b.Connections, c.demand().ConnectionBytes(), mostConnections)
	byMemory(&c.InsightCacheBytes, b.Insight, 1, mostInsight)
	most := visitors.DefaultLimits()
	byMemory(&c.MaxVisitors, b.Visitors, visitorBytes, most.Visitors)
	byMemory(&c.MaxVisitorPairs, b.Visitors, visitorBytes/pairsOfVisitor, most.Pairs)
	c.waiting = max(leastWaiting, within(b.Commits, waitingBytes, mostWaiting))
	c.journalSize = int64(min(max(leastJournal, b.Files), mostJournal))
	c.cachedCounters = within(b.Windows, cachedBytes, mostCached)
	c.inflaters, c.readers = httpapi.InflatersWithin(b.Inflaters), httpapi.ReadersWithin(b.Answers/2)
	return c
}
