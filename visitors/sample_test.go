package visitors_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// runs is how often the simulations are run with other keys. With more, the
// figures that -v prints have more digits that mean something.
var runs = flag.Int("runs", 2, "how often a simulation of samples is run")

// A crowd is visitors of one day. Each comes once: a page of some benefits is
// shown, and some of the visitors open one.
type crowd struct {
	visitors int
	benefits int // on a page
	// variants of the one experiment, of which visitor i is in variant i mod variants.
	variants int
}

// opens says whether a visitor opens a benefit: three of ten do.
func opens(visitor int) bool { return visitor*7%10 < 3 }

func (c crowd) arrive(ledger *visitors.Ledger) {
	id := make([]byte, 16)
	page := make([]visitors.Recorded, c.benefits+1)
	assignments := make([][]visitors.Assignment, c.variants)
	for i := range assignments {
		assignments[i] = []visitors.Assignment{{Experiment: []byte("place"), Variant: []byte{'A' + byte(i)}}}
	}
	for i := range c.visitors {
		binary.LittleEndian.PutUint64(id, uint64(i))
		for j := range page {
			page[j] = visitors.Recorded{HashID: id, Hour: noon, Benefit: counters.Benefit(j), Index: uint16(j + 1), Event: show}
			if c.variants > 0 {
				page[j].Assignments = assignments[i/10%c.variants]
			}
		}
		page[c.benefits] = visitors.Recorded{HashID: id, Hour: noon, Assignments: page[0].Assignments, Benefit: 0, Index: 1, Event: showDetails}
		if opens(i) {
			ledger.AddRecords(page)
		} else {
			ledger.AddRecords(page[:c.benefits])
		}
	}
}

// day is the day of a crowd under keys of this seed.
func (c crowd) day(t testing.TB, limits visitors.Limits, seed uint64) visitors.Sums {
	t.Helper()
	ledger, err := visitors.NewSeeded(visitors.Config{Limits: limits, Stages: stageTable()}, seed)
	if err != nil {
		t.Fatal(err)
	}
	c.arrive(ledger)
	stats := ledger.Stats().Days[0]
	if stats.Visitors > uint64(limits.Visitors) || stats.Pairs > uint64(limits.Pairs) {
		t.Errorf("%d visitors and %d pairs are kept, want at most %+v", stats.Visitors, stats.Pairs, limits)
	}
	sums, _ := ledger.Close(noon.Day())
	return sums
}

// TestTheErrorOfASampleIsThatOfItsSize runs days at the default limits. With
// -v -args -runs 100 it prints the figures of docs and design.
func TestTheErrorOfASampleIsThatOfItsSize(t *testing.T) {
	for _, arrived := range []int{65_536, 200_000, 3_000_000} {
		if testing.Short() && arrived > 1_000_000 {
			continue
		}
		var squares, absolute, expected float64
		for seed := range uint64(*runs) {
			sums := crowd{visitors: arrived, benefits: 1}.day(t, visitors.DefaultLimits(), seed)
			n := sums.All.Visitors()
			err := visitors.Estimate(n, sums.Halvings)/float64(arrived) - 1
			expected = visitors.RelativeError(n, sums.Halvings)
			squares += err * err
			absolute += math.Abs(err)
			if math.Abs(err) > 5*expected {
				t.Errorf("%d visitors: the estimate is wrong by %.2f %%, its standard error is %.2f %%", arrived, 100*err, 100*expected)
			}
		}
		count := float64(*runs)
		t.Logf("%d visitors, %d runs: root of mean square error %.3f %%, mean absolute error %.3f %%, by formula %.3f %% and %.3f %%",
			arrived, *runs, 100*math.Sqrt(squares/count), 100*absolute/count, 100*expected, 100*expected*math.Sqrt(2/math.Pi))
	}
}

// smallLimits make a sample of a crowd that a test can let come often.
func smallLimits() visitors.Limits {
	return visitors.Limits{Visitors: 1 << 10, Pairs: 1 << 11, Variants: 64}
}

func TestEstimatesAreRightOnAverage(t *testing.T) {
	const days = 200
	c := crowd{visitors: 5_000, benefits: 3, variants: 2}
	all := make([]visitors.Sums, days)
	for seed := range all {
		all[seed] = c.day(t, smallLimits(), uint64(seed))
	}
	opened := visitors.Opened
	for name, quantity := range map[string]struct {
		estimate func(s *visitors.Sums) float64
		want     float64
	}{
		"visitors":              {func(s *visitors.Sums) float64 { return visitors.Estimate(s.All.Visitors(), s.Halvings) }, 5_000},
		"visitors who opened":   {func(s *visitors.Sums) float64 { return visitors.Estimate(s.All.Reached(opened), s.Halvings) }, 1_500},
		"pages":                 {func(s *visitors.Sums) float64 { return visitors.Estimate(s.All.Pages, s.Halvings) }, 5_000},
		"visitors of a variant": {func(s *visitors.Sums) float64 { return visitors.Estimate(s.Variants[0].Visitors(), s.Halvings) }, 2_500},
		"visitors of a benefit": {func(s *visitors.Sums) float64 { return visitors.Estimate(s.Benefits[2].Visitors(), s.PairHalvings) }, 5_000},
		"those who opened a benefit": {
			func(s *visitors.Sums) float64 {
				return visitors.Estimate(s.Benefits[0].Reached(opened), s.PairHalvings)
			}, 1_500,
		},
		"those of a variant who did": {
			func(s *visitors.Sums) float64 {
				return visitors.Estimate(s.Variants[1].Benefits[0].Opened, s.PairHalvings)
			}, 750,
		},
	} {
		var sum, squares float64
		for i := range all {
			estimate := quantity.estimate(&all[i])
			sum += estimate
			squares += estimate * estimate
		}
		mean := sum / days
		standardError := math.Sqrt((squares/days - mean*mean) / days)
		if math.Abs(mean-quantity.want) > 4*standardError {
			t.Errorf("%s: the mean of %d estimates is %.1f ± %.1f, want %.0f", name, days, mean, standardError, quantity.want)
		}
	}
}

// TestASampleIsWholeVisitors holds that who is kept is kept with all that the
// visitor did, also before the set was full, and that pairs are a sample of those.
func TestASampleIsWholeVisitors(t *testing.T) {
	for name, limits := range map[string]visitors.Limits{
		"visitors are full":             {Visitors: 1 << 10, Pairs: 1 << 20, Variants: 64},
		"pairs are full":                {Visitors: 1 << 20, Pairs: 1 << 10, Variants: 64},
		"both are full":                 smallLimits(),
		"there is room for one of each": {Visitors: 1, Pairs: 1, Variants: 64},
	} {
		t.Run(name, func(t *testing.T) {
			sums := crowd{visitors: 50_000, benefits: 3, variants: 2}.day(t, limits, 7)
			if full := limits.Visitors < 50_000; full != (sums.Halvings >= 5) || sums.PairHalvings < max(5, sums.Halvings) {
				t.Fatalf("the rates are 2^-%d and 2^-%d", sums.Halvings, sums.PairHalvings)
			}
			if n := sums.All.Visitors(); sums.All.Pages != n || sums.All.Clicks != sums.All.Reached(visitors.Opened) {
				t.Errorf("%d visitors have %d pages, and %d of them %d clicks, want one each", n, sums.All.Pages, sums.All.Reached(visitors.Opened), sums.All.Clicks)
			}
			var ofVariants uint64
			shares := map[counters.Benefit]uint64{}
			for _, v := range sums.Variants {
				ofVariants += v.Visitors()
				for _, b := range v.Benefits {
					shares[b.Benefit] += b.Shown
				}
			}
			if ofVariants != sums.All.Visitors() {
				t.Errorf("%d of %d visitors are in a variant, want all", ofVariants, sums.All.Visitors())
			}
			for _, b := range sums.Benefits {
				if n := b.Visitors(); n != sums.Benefits[0].Visitors() || n != shares[b.Benefit] {
					t.Errorf("benefit %d has %d visitors, %d of them in a variant; want %d", b.Benefit, n, shares[b.Benefit], sums.Benefits[0].Visitors())
				}
				if sums.PairHalvings == sums.Halvings && b.Visitors() != sums.All.Visitors() {
					t.Errorf("benefit %d has %d visitors, want all %d", b.Benefit, b.Visitors(), sums.All.Visitors())
				}
			}
		})
	}
}

// TestSumsDoNotWaitForTheSift holds that the sums are of the rates also while
// shards still have more.
func TestSumsDoNotWaitForTheSift(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	crowd{visitors: 2_000, benefits: 3, variants: 2}.arrive(ledger)
	sift := ledger.LowerRates(noon.Day(), 2, 3)
	before, _ := ledger.Sums(noon.Day())
	sift()
	after, _ := ledger.Sums(noon.Day())
	if !reflect.DeepEqual(before, after) {
		t.Errorf("before the sift the sums are\n%+v, after it\n%+v", before, after)
	}
	if n, kept := after.All.Visitors(), ledger.Stats().Days[0].Visitors; n != kept || n == 2_000 {
		t.Errorf("%d visitors are in the sums and %d are kept, want some 500 in both", n, kept)
	}
}

// TestTheSampleRatioOfAFairExperimentIsFair tests equal shares by χ², as a reader
// of the sums does, and holds that the p-values are uniform, by Kolmogorov and
// Smirnov. Differences are whole and even; spread over the width between them they
// are those of a continuous test.
func TestTheSampleRatioOfAFairExperimentIsFair(t *testing.T) {
	const days = 1_000
	p := make([]float64, days)
	random := rand.New(rand.NewPCG(9, 9))
	for seed := range p {
		sums := fairDay(t, random, uint64(seed))
		a, b := float64(sums.Variants[0].Visitors()), float64(sums.Variants[1].Visitors())
		p[seed] = sampleRatio(a, b, 2*random.Float64()-1)
	}
	slices.Sort(p)
	var farthest float64
	for i, value := range p {
		farthest = max(farthest, math.Abs(value-float64(i)/days), math.Abs(value-float64(i+1)/days))
	}
	alarms, _ := slices.BinarySearch(p, 0.001)
	t.Logf("%d days: %d alarms at p < 0.001, distance from uniform %.4f", days, alarms, farthest)
	if limit := 1.95 / math.Sqrt(days); farthest > limit { // one of 1000 is farther
		t.Errorf("the p-values are %.3f from uniform, want at most %.3f", farthest, limit)
	}
	if alarms > 6 {
		t.Errorf("%d of %d fair experiments alarm, want about 1", alarms, days)
	}
}

// fairDay is a day of 4000 visitors in variants drawn at random, of whom a quarter
// or half are kept.
func fairDay(t *testing.T, random *rand.Rand, seed uint64) visitors.Sums {
	t.Helper()
	ledger, err := visitors.NewSeeded(visitors.Config{Limits: smallLimits(), Stages: stageTable()}, seed)
	if err != nil {
		t.Fatal(err)
	}
	variants := [2][]visitors.Recorded{shown("visitor", noon, "place=A"), shown("visitor", noon, "place=B")}
	for i := range 4_000 {
		batch := variants[random.IntN(2)]
		binary.LittleEndian.PutUint32(batch[0].HashID, uint32(i))
		ledger.AddRecords(batch)
	}
	sums, _ := ledger.Close(noon.Day())
	return sums
}

// sampleRatio is the p-value of χ² = (a − b)² ÷ (a + b) with one degree of freedom.
func sampleRatio(a, b, jitter float64) float64 {
	return math.Erfc(math.Abs(a-b+jitter) / math.Sqrt(2*(a+b)))
}

func TestABrokenAssignmentIsSeenInTheSample(t *testing.T) {
	ledger := newLedger(t, smallLimits())
	for i := range 20_000 {
		variant := "place=A"
		if i%5 < 3 {
			variant = "place=B"
		}
		ledger.AddRecords(shown(fmt.Sprint(i), noon, variant))
	}
	sums, _ := ledger.Close(noon.Day())
	a, b := float64(sums.Variants[0].Visitors()), float64(sums.Variants[1].Visitors())
	if p := sampleRatio(a, b, 0); p > 0.001 {
		t.Errorf("%v and %v visitors have p = %v, want less than 0.001", a, b, p)
	}
}

// TestADayStaysWithinItsMemory fills days as they come and as somebody would make
// them who wants the most memory.
func TestADayStaysWithinItsMemory(t *testing.T) {
	const most = 12_000_000
	for name, batches := range map[string]func(*visitors.Ledger){
		"many visitors":             crowd{visitors: 300_000, benefits: 1}.arrive,
		"pages of 30":               crowd{visitors: 40_000, benefits: 30}.arrive,
		"a few with many benefits":  crowd{visitors: 40, benefits: 20_000}.arrive,
		"just what the limits hold": crowd{visitors: 65_536, benefits: 7}.arrive,
	} {
		t.Run(name, func(t *testing.T) {
			ledger := newLedger(t, visitors.DefaultLimits())
			batches(ledger)
			day := ledger.Stats().Days[0]
			t.Logf("%d visitors, %d pairs: %d bytes", day.Visitors, day.Pairs, day.Bytes)
			if day.Bytes > most {
				t.Errorf("%d visitors and %d pairs take %d bytes, want at most %d", day.Visitors, day.Pairs, day.Bytes, most)
			}
		})
	}
}

// TestWhoIsNoLongerKeptTakesNoMemory fills a sample with pages of 30 until it is halved. Those
// of a site of some hundred benefits take two bytes a pair at least, those of benefits far apart
// four.
func TestWhoIsNoLongerKeptTakesNoMemory(t *testing.T) {
	for name, limits := range map[string]visitors.Limits{
		"pairs are full":    {Visitors: 1 << 12, Pairs: 1 << 15, Variants: 64},
		"visitors are full": {Visitors: 1 << 10, Pairs: 1 << 16, Variants: 64},
	} {
		for apart, pairBytes := range map[counters.Benefit]int{20: 2, 1 << 10: 4} {
			t.Run(fmt.Sprint(name, ", benefits ", apart, " apart"), func(t *testing.T) {
				before, after := halved(t, limits, apart)
				gone, freed := int(before.Pairs-after.Pairs), before.Bytes-after.Bytes
				if gone < limits.Pairs/8 || freed < gone*pairBytes {
					t.Errorf("%d pairs went, and with them %d of %d bytes, want at least %d a pair", gone, freed, before.Bytes, pairBytes)
				}
			})
		}
	}
}

// halved are the figures of a day before and after it was halved because of pages of 30.
func halved(t *testing.T, limits visitors.Limits, apart counters.Benefit) (before, after visitors.DayStats) {
	t.Helper()
	ledger := newLedger(t, limits)
	page := make([]visitors.Recorded, 30)
	for visitor := uint64(0); after.PairHalvings == 0; visitor++ {
		for i := range page {
			page[i] = visitors.Recorded{
				HashID: binary.LittleEndian.AppendUint64(nil, visitor), Hour: noon, Benefit: apart * counters.Benefit(i), Index: uint16(i + 1), Event: show,
			}
		}
		ledger.AddRecords(page)
		before, after = after, ledger.Stats().Days[0]
	}
	return before, after
}
