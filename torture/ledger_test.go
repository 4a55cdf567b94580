package main

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"stats-recorder/harness"
)

// crash is when the server of these tests dies.
var crash = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// threeBatches is an account with two acknowledged batches, a second and a
// tenth of a second before the crash, and one without an answer.
func threeBatches() *ledger {
	l := newLedger(1, 1)
	a := l.accounts[0]
	a.settled = sum(a, 1)
	a.book(sum(a, 1), crash.Add(-time.Second))
	a.book(sum(a, 2), crash.Add(-time.Second/10))
	a.book(sum(a, 4), time.Time{})
	return l
}

// sum is the witnesses' counts when they were bumped so often.
func sum(a *account, times uint64) tallies {
	t := tallies{}
	for _, benefit := range witnesses() {
		t[a.witness(benefit)] = times
	}
	return t
}

func TestLedgerCompares(t *testing.T) {
	strict, lenient := tolerance{}, tolerance{crash: crash, allowed: time.Second / 2}
	for _, test := range []struct {
		name      string
		found     uint64 // of each of three witnesses
		tolerance tolerance
		want      verdict
	}{
		{"acknowledged only", 4, strict, verdict{}},
		{"unanswered, too", 8, strict, verdict{}},
		{"the last one lost", 2, strict, verdict{lost: 6}},
		{"the last one forgiven", 2, lenient, verdict{forgiven: 6, window: time.Second / 10}},
		{"both lost, one forgiven", 1, lenient, verdict{lost: 3, forgiven: 6, window: time.Second}},
		{"settled lost", 0, strict, verdict{lost: 12}},
		{"settled lost, with tolerance", 0, lenient, verdict{lost: 6}},
		{"between two batches", 5, strict, verdict{halves: 1}},
		{"only the later one", 3, strict, verdict{lost: 3}},
		{"twice", 9, strict, verdict{surplus: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := threeBatches()
			check(t, l.compare(sum(l.accounts[0], test.found), test.tolerance), test.want)
		})
	}
}

// check compares verdicts, but for what is only for people.
func check(t *testing.T, got, want verdict) {
	t.Helper()
	if (got.losses() > 0) != (len(got.findings) > 0) {
		t.Errorf("%d losses, findings %q", got.losses(), got.findings)
	}
	if got.lost != want.lost || got.surplus != want.surplus || got.halves != want.halves ||
		got.forgiven != want.forgiven || got.window != want.window {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLedgerFindsHalfBatch(t *testing.T) {
	l := threeBatches()
	found := sum(l.accounts[0], 4)
	found[l.accounts[0].witness(witnesses()[1])]++
	check(t, l.compare(found, tolerance{}), verdict{halves: 1})
}

func TestLedgerFindsWhatNobodySent(t *testing.T) {
	l := threeBatches()
	found := sum(l.accounts[0], 4)
	found[harness.Counter{Benefit: "other", Event: "show", Total: firstPageTotal + 1, Index: 1}] = 2
	found[harness.Counter{Benefit: "other", Event: "show", Total: firstPageTotal, Index: 1}] = 5
	check(t, l.compare(found, tolerance{}), verdict{surplus: 7})
}

// TestLedgerRemembers: what one server was seen to have, the next one must have.
func TestLedgerRemembers(t *testing.T) {
	l := threeBatches()
	everything := sum(l.accounts[0], 8)
	check(t, l.compare(everything, tolerance{}), verdict{})
	check(t, l.compare(maps.Clone(everything), tolerance{}), verdict{})
	check(t, l.compare(sum(l.accounts[0], 4), tolerance{crash: crash, allowed: time.Hour}), verdict{lost: 12})
}

// TestAccountsShareNoCounter is what makes the ledger's bounds sharp.
func TestAccountsShareNoCounter(t *testing.T) {
	owner := map[harness.Counter]int{}
	for _, a := range newLedger(20, 1).accounts {
		for range 200 {
			batch := a.draw(1)
			amount := batch[a.witness(witnesses()[0])]
			for _, benefit := range witnesses() {
				if batch[a.witness(benefit)] != amount || amount == 0 {
					t.Fatalf("batch %v bumps the witness %s by %d, another by %d", batch, benefit, batch[a.witness(benefit)], amount)
				}
			}
			for c := range batch {
				if other, taken := owner[c]; taken && other != a.slot {
					t.Fatalf("%v belongs to the connections %d and %d", c, other, a.slot)
				}
				owner[c] = a.slot
			}
		}
	}
}

// TestABackupMustHaveWhatWasAcknowledgedBeforeItBegan has an account with three batches.
func TestABackupMustHaveWhatWasAcknowledgedBeforeItBegan(t *testing.T) {
	began := time.Now()
	l := newLedger(1, 1)
	a := l.accounts[0]
	have := []tallies{{}}
	for _, acknowledged := range []time.Time{began.Add(-time.Second), began.Add(time.Second), {}} {
		batch := tallies{a.witness("witness-first"): 2}
		a.book(batch, acknowledged)
		sum := tallies{a.witness("witness-first"): 2 * uint64(len(have))}
		have = append(have, sum)
	}
	for batches, found := range have {
		if v := l.within(found, began); (v.losses() > 0) != (batches == 0) {
			t.Errorf("with %d batches: %+v", batches, v)
		}
	}
	if v := l.within(tallies{a.witness("witness-first"): 3}, began); v.halves != 1 {
		t.Errorf("with half a batch: %+v", v)
	}
}

func TestScenariosBeginAnewUntilOneFails(t *testing.T) {
	t.Parallel()
	var seeds []uint64
	fails := func(_ context.Context, l *lab) (*report, error) {
		seeds = append(seeds, l.seed)
		if len(seeds) == 3 {
			return &report{cycles: 2}, errLoss
		}
		return &report{cycles: 2}, nil
	}
	isMissing := func(context.Context, *lab) (*report, error) { return nil, errUnavailable }
	l := &lab{seed: 7, progress: t.Logf}
	results := l.rounds(t.Context(), []scenario{{"fails", fails}, {"missing", isMissing}}, time.Hour)
	if len(results) != 2 || results[0].report.cycles != 6 || !results[0].failed() || results[1].failed() || !slices.Equal(seeds, []uint64{7, 8, 9}) {
		t.Errorf("with the seeds %d it ends with %+v", seeds, results)
	}
	if results := l.rounds(t.Context(), []scenario{{"missing", isMissing}}, time.Hour); results[0].failed() {
		t.Errorf("what cannot run here ends with %+v", results)
	}
}
