package visitors_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

func TestSumsAreExactBelowTheLimits(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			ledger, model := newLedger(t, visitors.DefaultLimits()), newModel()
			random := rand.New(rand.NewPCG(seed, 1))
			for range 500 {
				batch := randomBatch(random)
				ledger.AddRecords(batch)
				model.add(batch)
			}
			expectModel(t, ledger, model)
		})
	}
}

// TestWhatIsGatheredOfManyPostsIsExact has batches of many visitors, of whom more come to a
// shard than are counted at once, some of them again and again, while the sets fill up and are
// halved. A sample is all that its visitors did, from the first record on.
func TestWhatIsGatheredOfManyPostsIsExact(t *testing.T) {
	for name, limits := range map[string]visitors.Limits{
		"all":                   visitors.DefaultLimits(),
		"a sample":              {Visitors: 400, Pairs: 1 << 19, Variants: 64},
		"a sample of the pairs": {Visitors: 1 << 16, Pairs: 3_000, Variants: 64},
		"a sample of both":      {Visitors: 300, Pairs: 2_000, Variants: 64},
	} {
		t.Run(name, func(t *testing.T) {
			ledger, model := newLedger(t, limits), newModel()
			random := rand.New(rand.NewPCG(7, uint64(limits.Pairs)))
			for range 6 {
				var gathered []visitors.Recorded
				for range 500 {
					gathered = append(gathered, randomBatch(random)...)
				}
				ledger.AddRecords(gathered)
				model.add(gathered)
			}
			for _, date := range ledger.Days() {
				sums, _ := ledger.Sums(date)
				if sampled := sums.PairHalvings > 0; sampled != (name != "all") {
					t.Errorf("%v is of the rates %d and %d", date, sums.Halvings, sums.PairHalvings)
				}
				model.sample(date, sums.Halvings, sums.PairHalvings, ledger.Takes(date))
			}
			expectModel(t, ledger, model)
		})
	}
}

// expectModel compares the days of a ledger while they are open, then as they
// close.
func expectModel(t *testing.T, ledger *visitors.Ledger, model *model) {
	t.Helper()
	dates := ledger.Days()
	if len(dates) != len(model.days) {
		t.Fatalf("the ledger has the days %v, want %d", dates, len(model.days))
	}
	for _, read := range []struct {
		name string
		of   func(counters.Day) (visitors.Sums, bool)
	}{{"open", ledger.Sums}, {"closed", ledger.Close}} {
		for _, date := range dates {
			got, ok := read.of(date)
			if want := model.sums(date); !ok || !reflect.DeepEqual(got, want) {
				t.Fatalf("the %s day %v has the sums\n%+v, want\n%+v", read.name, date, got, want)
			}
		}
	}
	if dates := ledger.Days(); len(dates) != 0 {
		t.Errorf("the days %v are still there", dates)
	}
}

// randomBatch is a batch of one visitor, or of some, with everything that a record
// may have and a few things that it may not.
func randomBatch(random *rand.Rand) []visitors.Recorded {
	batch := make([]visitors.Recorded, 1+random.IntN(40))
	id, assignments, hour := randomID(random), randomAssignments(random), randomHour(random)
	mixed := random.IntN(3) == 0
	for i := range batch {
		if mixed && random.IntN(2) == 0 {
			id, assignments, hour = randomID(random), randomAssignments(random), randomHour(random)
		}
		batch[i] = visitors.Recorded{
			HashID: id, Assignments: assignments, Hour: hour,
			Benefit: counters.Benefit(random.IntN(100) * random.IntN(100)), Index: uint16(1 + random.IntN(5)),
			Event: show + counters.EventType(random.IntN(4)),
		}
	}
	return batch
}

func randomID(random *rand.Rand) []byte {
	switch random.IntN(20) {
	case 0:
		return nil
	case 1:
		return fmt.Appendf(nil, "uid_%d", random.IntN(1000))
	}
	return fmt.Appendf(nil, "%x%s", random.IntN(1000), strings.Repeat("-", random.IntN(2)*random.IntN(30)))
}

func randomAssignments(random *rand.Rand) (assignments []visitors.Assignment) {
	for range random.IntN(4) {
		variant := []byte{'A' + byte(random.IntN(2))}
		if random.IntN(20) == 0 {
			variant = make([]byte, []int{0, 65}[random.IntN(2)])
		}
		assignments = append(assignments, visitors.Assignment{Experiment: fmt.Append(nil, "experiment ", random.IntN(6)), Variant: variant})
	}
	return assignments
}

func randomHour(random *rand.Rand) counters.Hour {
	return noon - counters.Hour(random.IntN(20)*random.IntN(4))
}

// shown is a batch of one record of a visitor to whom a page of one benefit is
// shown.
func shown(id string, hour counters.Hour, assignments ...string) []visitors.Recorded {
	record := visitors.Recorded{HashID: []byte(id), Hour: hour, Benefit: 1, Index: 1, Event: show}
	for _, a := range assignments {
		experiment, variant, _ := strings.Cut(a, "=")
		record.Assignments = append(record.Assignments, visitors.Assignment{Experiment: []byte(experiment), Variant: []byte(variant)})
	}
	return []visitors.Recorded{record}
}

func TestAFourthDayClosesTheOldestAndAnOlderOneIsRefused(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	today := noon.Day()
	for _, date := range []counters.Day{today, today - 1, today - 2, today - 3, today + 1, today - 2} {
		ledger.AddRecords(shown("one", date.FirstHour()))
	}
	if got, want := ledger.Days(), []counters.Day{today - 2, today - 1, today, today + 1}; !slices.Equal(got, want) {
		t.Fatalf("there are the days %v, want %v", got, want)
	}
	if got := ledger.Stats(); got.RefusedRecords != 2 || len(got.Days) != visitors.MaxOpenDays {
		t.Errorf("%d records are refused and %d days open, want 2 and %d", got.RefusedRecords, len(got.Days), visitors.MaxOpenDays)
	}
	for _, date := range ledger.Days() {
		running, _ := ledger.Sums(date)
		sums, ok := ledger.Close(date)
		if !ok || sums.All.Visitors() != 1 || !reflect.DeepEqual(running, sums) {
			t.Errorf("day %v closes with %+v after %+v, want one visitor in both", date, sums, running)
		}
		if _, again := ledger.Close(date); again {
			t.Errorf("day %v closes twice", date)
		}
	}
}

func TestDaysThatNobodyFetchesAreBounded(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	for day := range counters.Day(10) {
		ledger.AddRecords(shown("one", (noon.Day() + day).FirstHour()))
	}
	if got := len(ledger.Days()); got != 6 {
		t.Errorf("%d days are there, want 3 open and 3 waiting", got)
	}
	if got := ledger.Stats().LostDays; got != 4 {
		t.Errorf("%d days are lost, want 4", got)
	}
}

func TestADayThatClosesTakesNothingOfABatchThatIsLate(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	ledger.AddRecords(shown("one", noon))
	add := ledger.Adder(noon.Day())
	ledger.Close(noon.Day())
	for _, id := range []string{"two", "uid_2"} {
		if add(shown(id, noon)) {
			t.Errorf("the closed day took the record of %s", id)
		}
	}
}

func TestAVisitorOfADayThatOpensAgainCountsTwice(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	ledger.AddRecords(shown("one", noon))
	first, _ := ledger.Close(noon.Day())
	ledger.AddRecords(shown("one", noon))
	second, ok := ledger.Close(noon.Day())
	if merged := first.Merge(second, 64); !ok || merged.All.Visitors() != 2 || merged.All.Pages != 2 {
		t.Errorf("both parts have %d visitors and %d pages, want 2 and 2", merged.All.Visitors(), merged.All.Pages)
	}
}

func TestAWaitingDayThatOpensAgainIsOneDay(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	today := noon.Day()
	for day := range counters.Day(4) {
		ledger.AddRecords(shown("one", (today + day).FirstHour()))
	}
	ledger.Close(today + 3)
	ledger.AddRecords(shown("one", noon)) // there is room for it again
	if got := ledger.Days(); len(got) != 3 {
		t.Fatalf("there are the days %v, want three", got)
	}
	running, _ := ledger.Sums(today)
	closed, _ := ledger.Close(today)
	if running.All.Visitors() != 2 || closed.All.Visitors() != 2 {
		t.Errorf("the two parts of the day have %d visitors while open and %d when closed, want 2", running.All.Visitors(), closed.All.Visitors())
	}
}

func TestACrossedVisitorLeavesTheExperiment(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	ledger.AddRecords(shown("stays", noon, "place=A", "text=long"))
	ledger.AddRecords(shown("crosses", noon, "place=A", "text=long"))
	ledger.AddRecords(shown("crosses", noon, "place=B", "text=long"))
	ledger.AddRecords(shown("crosses", noon, "place=A"))
	sums, _ := ledger.Close(noon.Day())
	var got []string
	for _, v := range sums.Variants {
		got = append(got, fmt.Sprintf("%s=%s %d stay %d crossed %d pages %d shown",
			v.Experiment, v.Name, v.Visitors(), v.Crossed, v.Pages, v.Benefits[0].Shown))
	}
	if want := []string{"place=A 1 stay 1 crossed 1 pages 1 shown", "text=long 2 stay 0 crossed 4 pages 2 shown"}; !slices.Equal(got, want) {
		t.Errorf("the variants are %q, want %q", got, want)
	}
}

func TestNamesBeyondTheLimitCountUnderOther(t *testing.T) {
	limits := visitors.DefaultLimits()
	limits.Variants = 2
	ledger := newLedger(t, limits)
	ledger.AddRecords(shown("one", noon, "place=A", "text=long"))
	ledger.AddRecords(shown("two", noon, "new=A"))
	ledger.AddRecords(shown("two", noon, "new=B")) // nobody knows any more that it is another
	ledger.AddRecords(shown("three", noon, "text=long"))
	ledger.AddRecords(shown("three", noon, "text=short"))    // crosses though short has no name
	ledger.AddRecords(shown("four", noon, "__other__=fake")) // a name that is taken
	sums, _ := ledger.Sums(noon.Day())
	var got []string
	for _, v := range sums.Variants {
		got = append(got, fmt.Sprint(v.Experiment, "=", v.Name, " ", v.Visitors(), " ", v.Crossed))
	}
	if want := []string{"__other__=__other__ 2 0", "place=A 1 0", "text=long 1 1"}; !slices.Equal(got, want) {
		t.Errorf("the variants are %q, want %q", got, want)
	}
	if got := ledger.Stats().Days[0].UnplacedAssignments; got != 4 {
		t.Errorf("%d assignments are unplaced, want 4", got)
	}
}

func TestAnExperimentThatIsCalledOtherCountsUnderOther(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	ledger.AddRecords(shown("one", noon, "__other__=fake", "place=__other__"))
	sums, _ := ledger.Sums(noon.Day())
	var got []string
	for _, v := range sums.Variants {
		got = append(got, v.Experiment+"="+v.Name)
	}
	if want := []string{"__other__=__other__", "place=__other__"}; !slices.Equal(got, want) {
		t.Errorf("the variants are %q, want %q", got, want)
	}
}

func TestAssignmentsThatNobodyKeepsAreCounted(t *testing.T) {
	long := strings.Repeat("x", visitors.MaxNameBytes+1)
	five := []string{"a=A", "b=A", "c=A", "d=A", "e=A"}
	many := make([]string, visitors.MaxAssignments+3)
	for i := range many {
		many[i] = "a=A"
	}
	for name, test := range map[string]struct {
		assignments []string
		unplaced    uint64
	}{
		"none":                           {nil, 0},
		"good ones":                      {five[:4], 0},
		"a fifth experiment":             {five, 1},
		"no name, and no variant":        {[]string{"=A", "a="}, 2},
		"names that are too long":        {[]string{long + "=A", "a=" + long}, 2},
		"names as long as they may be":   {[]string{long[1:] + "=" + long[1:]}, 0},
		"more than a record may have":    {many, 3},
		"a variant that is not in UTF-8": {[]string{"a=\xff"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := newLedger(t, visitors.DefaultLimits())
			ledger.AddRecords(shown("one", noon, test.assignments...))
			if got := ledger.Stats().Days[0].UnplacedAssignments; got != test.unplaced {
				t.Errorf("%d assignments are unplaced, want %d", got, test.unplaced)
			}
		})
	}
}

func TestTheLedgerKeepsNoBytesOfARecord(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	batch := shown("one", noon, "place=A")
	ledger.AddRecords(batch)
	before, _ := ledger.Sums(noon.Day())
	for _, bytes := range [][]byte{batch[0].HashID, batch[0].Assignments[0].Experiment, batch[0].Assignments[0].Variant} {
		for i := range bytes {
			bytes[i] = '!'
		}
	}
	if after, _ := ledger.Sums(noon.Day()); !reflect.DeepEqual(before, after) {
		t.Errorf("the sums were %+v and became %+v with the bytes of the record", before, after)
	}
}

func TestPagesAndClicksOfAVisitorStopAtTheirLimit(t *testing.T) {
	const most = 1<<16 - 1
	ledger := newLedger(t, visitors.DefaultLimits())
	batch := append(shown("one", noon), shown("one", noon)...)
	batch[1].Event = showDetails
	for range most + 10 {
		ledger.AddRecords(batch)
	}
	sums, _ := ledger.Sums(noon.Day())
	if g := sums.All; g.Pages != most || g.Clicks != most || g.PagesSquared != most*most || g.PagesClicks != most*most {
		t.Errorf("the sums are %+v, want %d pages and clicks", g, most)
	}
}

func TestLimitsOutOfRangeAreRefused(t *testing.T) {
	good := visitors.DefaultLimits()
	for name, change := range map[string]func(*visitors.Limits){
		"no visitors":       func(l *visitors.Limits) { l.Visitors = 0 },
		"too many visitors": func(l *visitors.Limits) { l.Visitors = 1<<28 + 1 },
		"no pairs":          func(l *visitors.Limits) { l.Pairs = 0 },
		"too many pairs":    func(l *visitors.Limits) { l.Pairs = 1<<30 + 1 },
		"no variants":       func(l *visitors.Limits) { l.Variants = 0 },
		"too many variants": func(l *visitors.Limits) { l.Variants = 127 },
	} {
		limits := good
		change(&limits)
		if _, err := visitors.New(visitors.Config{Limits: limits}); !errors.Is(err, visitors.ErrLimits) {
			t.Errorf("%s: the error is %v, want ErrLimits", name, err)
		}
	}
	for _, limits := range []visitors.Limits{good, {Visitors: 1, Pairs: 1, Variants: 126}} {
		if _, err := visitors.New(visitors.Config{Limits: limits}); err != nil {
			t.Errorf("%+v are refused: %v", limits, err)
		}
	}
}

func TestNothingIsAllocatedForABatchOfWhatIsKnown(t *testing.T) {
	ledger := newLedger(t, visitors.DefaultLimits())
	random := rand.New(rand.NewPCG(1, 1))
	records := randomBatch(random)
	var batch visitors.Batch
	batch.Fill(records)
	add := func() { ledger.Add(&batch) }
	add()
	if got := testing.AllocsPerRun(100, add); got != 0 {
		t.Errorf("a batch allocates %v times", got)
	}
}

// TestASourceIsReadOnce holds it for what visitors nearly always say. What would have to be
// kept beyond names, and more than a site ever says, is read each time.
func TestASourceIsReadOnce(t *testing.T) {
	for name, test := range map[string]struct {
		assignments []string
		others      int // sources before
		reads       int
	}{
		"two experiments":                {[]string{"place=A", "text=long"}, 0, 1},
		"a name that is too long":        {[]string{"place=" + strings.Repeat("x", visitors.MaxNameBytes+1)}, 0, 3},
		"after more than are known":      {[]string{"place=A", "text=long"}, 300, 3},
		"longer than any site's":         {slices.Repeat([]string{"place=" + strings.Repeat("x", visitors.MaxNameBytes)}, 8), 0, 3},
		"a variant there is no room for": {[]string{"place=A", "place=B", "text=long", "text=short"}, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			reads := 0
			limits := visitors.DefaultLimits()
			limits.Variants = 3
			ledger, err := visitors.New(visitors.Config{Limits: limits, Stages: stageTable(), Variants: func(source []byte, visit func(experiment, variant []byte)) {
				reads++
				visitors.ReadSource(source, visit)
			}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range test.others {
				ledger.AddRecords(shown("one", noon, ninePlaces(i)...))
			}
			reads = 0
			for i := range 3 {
				ledger.AddRecords(shown(fmt.Sprint(i), noon, test.assignments...))
			}
			if reads != test.reads {
				t.Errorf("it was read %d times, want %d", reads, test.reads)
			}
		})
	}
}

// ninePlaces are variants A and B in one of 512 orders.
func ninePlaces(order int) (assignments []string) {
	for bit := range 9 {
		assignments = append(assignments, []string{"place=A", "place=B"}[order>>bit&1])
	}
	return assignments
}
