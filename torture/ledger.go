package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"stats-recorder/harness"
)

// A ledger is the clients' own account of what they sent and what the server
// acknowledged. Each connection has an account: counters that nobody else bumps.
// It sends one batch after the other and stops at the first that gets no answer.
// So what the server has of an account must be the sum of its first batches, up
// to some batch: at least all that were acknowledged in time, at most all that
// were sent, and no part of one.
//
// Accounts outlive servers: what one server was seen to have, the next one must
// have too.
type ledger struct {
	accounts []*account
	// epoch changes with every server, so that each sees names of its own.
	epoch int
}

func newLedger(connections int, seed uint64) *ledger {
	l := &ledger{}
	for slot := range connections {
		l.accounts = append(l.accounts, &account{
			slot:    slot,
			settled: tallies{},
			random:  rand.New(rand.NewPCG(seed, uint64(slot))),
		})
	}
	return l
}

// clone is the ledger as it is, for a comparison that settles nothing.
func (l *ledger) clone() *ledger {
	c := &ledger{epoch: l.epoch}
	for _, a := range l.accounts {
		again := *a
		c.accounts = append(c.accounts, &again)
	}
	return c
}

// tallies are counts by counter; what is missing is zero.
type tallies map[harness.Counter]uint64

func (t tallies) sum() uint64 {
	sum := uint64(0)
	for _, count := range t {
		sum += count
	}
	return sum
}

// account is what one connection sent. It belongs to that connection while it
// is open.
type account struct {
	slot   int
	random *rand.Rand
	// settled is what the last comparison found.
	settled tallies
	// batches are those sent since, but for the refused ones. Only the last may
	// lack an acknowledgement.
	batches []batch
	// prepared, if not empty, is what batches are taken from, in place of new ones.
	prepared []request
}

// request is a batch to send. Its body is made already, or empty.
type request struct {
	records tallies
	body    []byte
}

// batch is what one request adds.
type batch struct {
	records tallies
	// acknowledged is when the client had the answer; zero without one.
	acknowledged time.Time
}

// firstPageTotal is the page total of the first slot's counters. It is what
// makes a counter a slot's own, and the bound of the indexes in use.
const firstPageTotal = 100

func (a *account) pageTotal() int { return firstPageTotal + a.slot }

// witnesses are benefits that every batch bumps by the same amount.
func witnesses() []string { return []string{"witness-first", "witness-second", "witness-third"} }

func (a *account) witness(benefit string) harness.Counter {
	return harness.Counter{Benefit: benefit, Event: "show", Total: a.pageTotal(), Index: 1}
}

// next returns the next batch to send.
func (a *account) next(epoch int) request {
	if len(a.prepared) > 0 {
		return a.prepared[a.random.IntN(len(a.prepared))]
	}
	return request{records: a.draw(epoch)}
}

// prepare draws batches for the next server, to be sent again and again: making
// up new ones takes a client more time than counting them takes the server.
func (l *ledger) prepare() {
	const batches = 64
	for _, a := range l.accounts {
		a.prepared = nil
		for range batches {
			records := a.draw(l.epoch + 1)
			a.prepared = append(a.prepared, request{records, appendBody(nil, records, time.Time{})})
		}
	}
}

// draw makes up a batch: the witnesses, some of a few dozen counters
// that come up again and again, and now and then a benefit that nobody has seen.
func (a *account) draw(epoch int) tallies {
	const (
		usualRecords, manyRecords = 60, 600
		manyEvery, freshEvery     = 50, 8
		benefits, indexes         = 12, 20
	)
	events := [...]string{"show", "link", "form", "simulation-caf"}
	records := tallies{}
	amount := 1 + a.random.Uint64N(3)
	for _, benefit := range witnesses() {
		records[a.witness(benefit)] = amount
	}
	most := usualRecords
	if a.random.IntN(manyEvery) == 0 {
		most = manyRecords
	}
	for range a.random.IntN(most) {
		records[harness.Counter{
			Benefit: fmt.Sprintf("benefit-%d", a.random.IntN(benefits)),
			Event:   events[a.random.IntN(len(events))],
			Total:   a.pageTotal(),
			Index:   1 + a.random.IntN(indexes),
		}]++
	}
	if a.random.IntN(freshEvery) == 0 {
		fresh := fmt.Sprintf("fresh-%d-%d", epoch, a.slot)
		records[harness.Counter{Benefit: fresh, Event: "close", Total: a.pageTotal(), Index: 1}]++
	}
	return records
}

// drawAge makes up how old the records of the next batch are. Most are new; some
// are of an hour before, and a few of days that are closed already.
func (a *account) drawAge() time.Duration {
	const (
		ages       = 16
		hoursAgo   = 3 * time.Hour
		day        = 24 * time.Hour
		closedDays = 3
	)
	switch a.random.IntN(ages) {
	case 0, 1:
		return hoursAgo
	case 2:
		return time.Duration(closedDays+a.random.IntN(closedDays)) * day
	default:
		return 0
	}
}

// book enters a batch that may have reached the server. acknowledged is zero
// when no answer came.
func (a *account) book(records tallies, acknowledged time.Time) {
	a.batches = append(a.batches, batch{records, acknowledged})
}

// tolerance says what a crash may cost: batches that were acknowledged within
// the given time before it. The zero value: nothing that was ever acknowledged.
type tolerance struct {
	crash   time.Time
	allowed time.Duration
}

// forgives says whether an acknowledged batch may be missing.
func (t tolerance) forgives(b batch) bool {
	return !t.crash.IsZero() && b.acknowledged.After(t.crash.Add(-t.allowed))
}

// verdict is what a comparison found, in records but for halves.
type verdict struct {
	// compared is how many acknowledged records were compared.
	compared uint64
	// lost were acknowledged and are missing.
	lost uint64
	// surplus are there, but were never sent, or were refused.
	surplus uint64
	// halves is how many accounts have the counts of no whole number of batches.
	halves int
	// forgiven were acknowledged and are missing, which the mode allows for.
	forgiven uint64
	// window is how long before the crash the first missing one was acknowledged.
	window time.Duration
	// findings describe what is wrong, for people.
	findings []string
}

// losses is what must be zero.
func (v verdict) losses() uint64 { return v.lost + v.surplus + uint64(v.halves) }

func (v *verdict) add(other verdict) {
	const findingsKept = 20
	v.compared += other.compared
	v.lost += other.lost
	v.surplus += other.surplus
	v.halves += other.halves
	v.forgiven += other.forgiven
	v.window = max(v.window, other.window)
	v.findings = append(v.findings, other.findings...)
	v.findings = v.findings[:min(len(v.findings), findingsKept)]
}

// compare holds what a server has against the ledger. Afterwards that is what
// the next one must have.
func (l *ledger) compare(found tallies, t tolerance) verdict {
	shares := make([]tallies, len(l.accounts))
	for slot := range shares {
		shares[slot] = tallies{}
	}
	var v verdict
	for c, count := range found {
		slot := c.Total - firstPageTotal
		if slot < 0 || slot >= len(shares) {
			v.add(verdict{surplus: count, findings: []string{fmt.Sprintf("%v: have %d, nobody ever sent it", c, count)}})
			continue
		}
		shares[slot][c] = count
	}
	for slot, a := range l.accounts {
		v.add(a.compare(shares[slot], t))
		a.settled, a.batches = shares[slot], nil
	}
	return v
}

func (a *account) compare(found tallies, t tolerance) verdict {
	var v verdict
	for _, b := range a.batches {
		if !b.acknowledged.IsZero() {
			v.compared += b.records.sum()
		}
	}
	whole, ok := a.wholeBatches(found)
	if !ok {
		v.add(a.explain(found, t))
		return v
	}
	for _, b := range a.batches[whole:] {
		if b.acknowledged.IsZero() {
			continue
		}
		v.window = max(v.window, t.crash.Sub(b.acknowledged))
		if t.forgives(b) {
			v.forgiven += b.records.sum()
			continue
		}
		v.lost += b.records.sum()
		v.findings = append(v.findings, fmt.Sprintf("connection %d: %d of its %d batches are there; one with %d records, acknowledged at %s, is missing",
			a.slot, whole, len(a.batches), b.records.sum(), b.acknowledged.Format(time.RFC3339Nano)))
	}
	return v
}

// wholeBatches returns how many of the batches, together with what is settled,
// are exactly what was found.
func (a *account) wholeBatches(found tallies) (batches int, ok bool) {
	missing := map[harness.Counter]uint64{} // modulo 2^64, nothing that is zero
	for c, count := range found {
		missing[c] = count
	}
	subtract := func(records tallies) {
		for c, count := range records {
			if missing[c] -= count; missing[c] == 0 {
				delete(missing, c)
			}
		}
	}
	subtract(a.settled)
	for i, b := range a.batches {
		if len(missing) == 0 {
			return i, true
		}
		subtract(b.records)
	}
	return len(a.batches), len(missing) == 0
}

// explain says what is wrong with counts that are those of no whole number of batches.
func (a *account) explain(found tallies, t tolerance) verdict {
	required, sent := maps.Clone(a.settled), maps.Clone(a.settled)
	for _, b := range a.batches {
		for c, count := range b.records {
			sent[c] += count
			if !b.acknowledged.IsZero() && !t.forgives(b) {
				required[c] += count
			}
		}
	}
	union := maps.Clone(sent)
	maps.Copy(union, found)
	var v verdict
	for _, c := range sortedCounters(union) {
		have := found[c]
		if have < required[c] {
			v.lost += required[c] - have
		}
		if have > sent[c] {
			v.surplus += have - sent[c]
		}
		if have < required[c] || have > sent[c] {
			v.findings = append(v.findings, fmt.Sprintf("connection %d: %v: have %d, want %d to %d", a.slot, c, have, required[c], sent[c]))
		}
	}
	if v.lost == 0 && v.surplus == 0 {
		v.halves++
		v.findings = append(v.findings, fmt.Sprintf("connection %d: half a batch: the witnesses are %v, and no number of whole batches has these counts",
			a.slot, a.witnessCounts(found)))
	}
	return v
}

func (a *account) witnessCounts(found tallies) []uint64 {
	var counts []uint64
	for _, benefit := range witnesses() {
		counts = append(counts, found[a.witness(benefit)])
	}
	return counts
}

func sortedCounters(t tallies) []harness.Counter {
	return slices.SortedFunc(maps.Keys(t), func(a, b harness.Counter) int {
		return cmp.Or(cmp.Compare(a.Benefit, b.Benefit), cmp.Compare(a.Event, b.Event),
			cmp.Compare(a.Total, b.Total), cmp.Compare(a.Index, b.Index))
	})
}
