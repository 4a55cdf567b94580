package visitors_test

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// feed lets goroutines add batches of one visitor each: a page of two benefits is
// shown and the first is opened. It returns how many batches there were when all
// are added.
func feed(ledger *visitors.Ledger, goroutines, batches int, visitorCount uint64) {
	var feeders sync.WaitGroup
	for g := range goroutines {
		feeders.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 2))
			id := make([]byte, 8)
			variants := [][]visitors.Assignment{shown("", noon, "place=A")[0].Assignments, shown("", noon, "place=B", "text=long")[0].Assignments}
			for range batches {
				visitor := random.Uint64N(visitorCount)
				binary.LittleEndian.PutUint64(id, visitor)
				page := [3]visitors.Record{{Event: show, Index: 1}, {Event: show, Index: 2, Benefit: 1}, {Event: showDetails, Index: 1}}
				for i := range page {
					page[i].HashID, page[i].Hour, page[i].Assignments = id, noon, variants[visitor&1]
				}
				ledger.Add(page[:])
			}
		})
	}
	feeders.Wait()
}

// expectWhole holds that the sums are of whole batches.
func expectWhole(t *testing.T, sums visitors.Sums) {
	t.Helper()
	both := visitors.Shown | visitors.Opened
	n := sums.All.Visitors()
	if sums.All.Pages != sums.All.Clicks || sums.All.PagesSquared != sums.All.PagesClicks || sums.All.ByStages[both] != n {
		t.Errorf("the visitors are in the middle of a batch: %+v", sums.All)
	}
	if len(sums.Benefits) != 2 {
		t.Fatalf("the benefits are %+v, want two", sums.Benefits)
	}
	first, second := sums.Benefits[0], sums.Benefits[1]
	if first.ByStages[both] != first.Visitors() || second.ByStages[visitors.Shown] != first.Visitors() || second.Visitors() != first.Visitors() {
		t.Errorf("the benefits are in the middle of a batch: %+v", sums.Benefits)
	}
	if sums.PairHalvings == sums.Halvings && first.Visitors() != n {
		t.Errorf("%d visitors have a benefit, want all %d", first.Visitors(), n)
	}
	if of := sums.Variants[0].Visitors() + sums.Variants[1].Visitors(); of != n || sums.Variants[0].Crossed != 0 {
		t.Errorf("%d visitors are in a variant, want all %d", of, n)
	}
}

func TestSumsOfARunningDayAreWhole(t *testing.T) {
	for name, limits := range map[string]visitors.Limits{"exact": visitors.DefaultLimits(), "sampled": smallLimits()} {
		t.Run(name, func(t *testing.T) {
			ledger := newLedger(t, limits)
			feed(ledger, 1, 100, 4) // so that there is everything
			done := make(chan struct{})
			var reader sync.WaitGroup
			reader.Go(func() {
				for {
					sums, _ := ledger.Sums(noon.Day())
					expectWhole(t, sums)
					ledger.Stats()
					select {
					case <-done:
						return
					default:
					}
				}
			})
			feed(ledger, 4, 10_000, 20_000)
			close(done)
			reader.Wait()
			stats := ledger.Stats().Days[0]
			sums, _ := ledger.Close(noon.Day())
			expectWhole(t, sums)
			if n := sums.All.Visitors(); n != stats.Visitors || stats.Visitors > uint64(limits.Visitors) || stats.Pairs > uint64(limits.Pairs) {
				t.Errorf("there are %d visitors, %d by the figures, and %d pairs; the limits are %+v", n, stats.Visitors, stats.Pairs, limits)
			}
		})
	}
}

func TestEachBatchIsInOneOfThePartsOfADay(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	const goroutines, batches = 4, 5_000
	done := make(chan struct{})
	var pages uint64
	var closer sync.WaitGroup
	closer.Go(func() {
		for {
			sums, _ := ledger.Close(noon.Day())
			pages += sums.All.Pages
			select {
			case <-done:
				return
			default:
			}
		}
	})
	feed(ledger, goroutines, batches, 1_000)
	close(done)
	closer.Wait()
	last, _ := ledger.Close(noon.Day())
	if got := pages + last.All.Pages; got != goroutines*batches {
		t.Errorf("the parts have %d pages, want %d", got, goroutines*batches)
	}
}

func TestDaysThatComeAtOnceAreEachOpenedOnce(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	var feeders sync.WaitGroup
	for range 8 {
		feeders.Go(func() {
			for day := range counters.Day(visitors.MaxOpenDays) {
				ledger.Add(shown("one", (noon.Day() + day).FirstHour()))
			}
		})
	}
	feeders.Wait()
	for day := range counters.Day(visitors.MaxOpenDays) {
		if sums, _ := ledger.Close(noon.Day() + day); sums.All.Visitors() != 1 || sums.All.Pages != 8 {
			t.Errorf("day %d has %d visitors and %d pages, want 1 and 8", day, sums.All.Visitors(), sums.All.Pages)
		}
	}
}
