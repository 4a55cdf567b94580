package visitors_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// feed lets goroutines add batches of one visitor each: a page of two benefits is
// shown and the first is opened. It returns when all are added.
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
				page := [3]visitors.Recorded{{Event: show, Index: 1}, {Event: show, Index: 2, Benefit: 1}, {Event: showDetails, Index: 1}}
				for i := range page {
					page[i].HashID, page[i].Hour, page[i].Assignments = id, noon, variants[visitor&1]
				}
				ledger.AddRecords(page[:])
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

func TestADayThatIsPushedOutWhileItIsReadIsNotDoubled(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			for _, date := range ledger.Days() {
				if sums, ok := ledger.Sums(date); ok && (sums.Day != date || sums.All.Visitors() > 1) {
					t.Errorf("day %v has %d visitors of day %v, want at most 1", date, sums.All.Visitors(), sums.Day)
				}
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for day := range counters.Day(2_000) {
		ledger.AddRecords(shown("one", (noon.Day() + day).FirstHour()))
	}
	close(done)
	reader.Wait()
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

// TestEachVisitOfABatchIsInOneOfThePartsOfADay closes a day while batches of many visitors,
// and of records of nobody, are added: a part of a batch may come before, and the rest after.
func TestEachVisitOfABatchIsInOneOfThePartsOfADay(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	const batches, visits = 3_000, 40
	batch := make([]visitors.Recorded, visits)
	for i := range batch {
		batch[i] = visitors.Recorded{HashID: fmt.Append(nil, []string{"", "uid_"}[i&1], i), Hour: noon, Index: 1, Event: show}
	}
	done := make(chan struct{})
	var feeder sync.WaitGroup
	feeder.Go(func() {
		defer close(done)
		for range batches {
			ledger.AddRecords(batch)
		}
	})
	var pages, anonymous uint64
	closeDay := func() {
		sums, _ := ledger.Close(noon.Day())
		pages, anonymous = pages+sums.All.Pages, anonymous+sums.AnonymousRecords
	}
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		closeDay()
	}
	feeder.Wait()
	closeDay()
	if want := uint64(batches * visits / 2); pages != want || anonymous != want {
		t.Errorf("the parts have %d pages and %d records of nobody, want %d of each", pages, anonymous, want)
	}
}

func TestDaysThatComeAtOnceAreEachOpenedOnce(t *testing.T) {
	for range 300 {
		ledger := newLedger(t, visitors.DefaultLimits())
		begin := make(chan struct{})
		var feeders sync.WaitGroup
		for range 8 {
			feeders.Go(func() {
				<-begin
				for day := range counters.Day(visitors.MaxOpenDays) {
					ledger.AddRecords(shown("one", (noon.Day() + day).FirstHour()))
				}
			})
		}
		close(begin)
		feeders.Wait()
		for day := range counters.Day(visitors.MaxOpenDays) {
			if sums, _ := ledger.Close(noon.Day() + day); sums.All.Visitors() != 1 || sums.All.Pages != 8 {
				t.Fatalf("day %d has %d visitors and %d pages, want 1 and 8", day, sums.All.Visitors(), sums.All.Pages)
			}
		}
	}
}

// TestWhatIsKeptIsOfTheRateThatTheSumsSay lets goroutines halve small sets again and
// again.
func TestWhatIsKeptIsOfTheRateThatTheSumsSay(t *testing.T) {
	for range 100 {
		ledger := newLedger(t, visitors.Limits{Visitors: 16, Pairs: 24, Variants: 2})
		feed(ledger, 4, 300, 1_000)
		stats := ledger.Stats().Days[0]
		sums, _ := ledger.Close(noon.Day())
		var pairs uint64
		for _, b := range sums.Benefits {
			pairs += b.Visitors()
		}
		if sums.All.Visitors() != stats.Visitors || pairs != stats.Pairs {
			t.Fatalf("%d visitors and %d pairs are kept, of which %d and %d are of the rates", stats.Visitors, stats.Pairs, sums.All.Visitors(), pairs)
		}
	}
}

// TestSumsAreRightWhileASetIsHalved reads while visitors come of whom each is new,
// and knows how many there are before and after.
func TestSumsAreRightWhileASetIsHalved(t *testing.T) {
	const visitorCount, rounds = 60_000, 20
	for range rounds {
		ledger := newLedger(t, visitors.Limits{Visitors: 1 << 12, Pairs: 1 << 12, Variants: 2})
		var arrived atomic.Uint64
		var feeder sync.WaitGroup
		feeder.Go(func() {
			one := shown("12345678", noon)
			for visitor := range uint64(visitorCount) {
				binary.LittleEndian.PutUint64(one[0].HashID, visitor)
				ledger.AddRecords(one)
				arrived.Add(1)
			}
		})
		for before := uint64(0); before < visitorCount; before = arrived.Load() {
			sums, ok := ledger.Sums(noon.Day())
			if after := arrived.Load() + 1; ok && before > 0 {
				expectBetween(t, "visitors", sums.All.Visitors(), sums.Halvings, before, after)
				expectBetween(t, "visitors of a benefit", sums.Benefits[0].Visitors(), sums.PairHalvings, before, after)
			}
		}
		feeder.Wait()
	}
}

// expectBetween holds that an estimate is of a number between two, give or take six
// standard errors.
func expectBetween(t *testing.T, name string, n uint64, halvings uint8, least, most uint64) {
	t.Helper()
	estimate, margin := visitors.Estimate(n, halvings), 6*visitors.RelativeError(n, halvings)
	if estimate < float64(least)*(1-margin) || estimate > float64(most)*(1+margin) {
		t.Errorf("%s are %.0f (%d × 2^%d), want %d to %d give or take %.0f %%", name, estimate, n, halvings, least, most, 100*margin)
	}
}
