package counters_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// closePlaces are places of which many are close together: at the ends of what a key can hold, in
// one or several parts, or hardly any.
func closePlaces(random *rand.Rand) []uint32 {
	const last = 1<<counters.PlaceBits - 1
	var places []uint32
	for range 1 + random.IntN(4) {
		first, step := []uint32{0, 1, 500, 930, 70_000, last - 400}[random.IntN(6)], 1+random.Uint32N(9)
		for n := range 1 + random.Uint32N(400) {
			if place := first + n*step; place <= last {
				places = append(places, place)
			}
		}
	}
	return places
}

// someCells are counters of random places, each of one or more event types and versions.
func someCells(t testing.TB, random *rand.Rand, places []uint32) (cells []counters.Cell) {
	t.Helper()
	counts := []uint64{1, 1, 1, 2, 3, 1<<22 - 1, 1 << 22, 1<<23 - 1, 1 << 40}
	for range 1 + random.IntN(300) {
		key, err := counters.KeyAt(counters.EventType(1+random.IntN(2)), uint16(random.IntN(2)*0xffff), places[random.IntN(len(places))])
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, counters.Cell{Key: key, Count: counts[random.IntN(len(counts))]})
	}
	return cells
}

// Merges make a store keep what is close together in places that follow each other. It counts the same as one
// that never merged, which looks up each counter: before, after and beside what is not merged, while the base
// is frozen, thawed again, and restored.
func TestCountersThatAreCloseTogetherCountLikeAnyOthers(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for round := range 30 {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			store, plain := counters.NewStore(counters.WhenDurable), counters.NewStore(counters.WhenDurable)
			const benefits = 20
			for _, s := range []*counters.Store{store, plain} {
				for n := range benefits {
					storetest.Number(t, s, storetest.Record{Benefit: fmt.Sprint("benefit ", n), Event: []string{"show", "click"}[n%2], PageTotal: 1, Index: 1})
				}
			}
			places := closePlaces(random)
			var frozen *counters.Frozen
			for range 40 {
				benefit, cells := counters.Benefit(random.IntN(benefits)/(1+random.IntN(benefits))), someCells(t, random, places)
				switch random.IntN(5) {
				case 0: // as a start does
					if frozen == nil {
						replay(t, store, benefit, cells)
						replay(t, plain, benefit, cells)
					}
				case 1:
					if frozen == nil {
						frozen = store.Freeze()
					} else {
						frozen.Thaw()
						frozen = nil
					}
				default:
					foreign := counters.NewForeign(0)
					foreign.Benefits, foreign.Events = [][]byte{fmt.Append(nil, "benefit ", benefit)}, bytesOf([]string{"show", "click"})
					if err := foreign.Add(storetest.Noon(), 0, cells); err != nil {
						t.Fatal(err)
					}
					if _, err := store.Merge(nil, foreign); err != nil {
						t.Fatal(err)
					}
					storetest.Commit(store)
					replay(t, plain, benefit, cells)
				}
			}
			if have, want := countsOf(store), countsOf(plain); !maps.Equal(have, want) {
				t.Fatalf("%d counters, want %d: %v", len(have), len(want), difference(have, want))
			}
			if frozen != nil {
				frozen.Thaw()
			}
			if have, want := countsOf(store), countsOf(plain); !maps.Equal(have, want) {
				t.Fatalf("after a thaw %d counters, want %d: %v", len(have), len(want), difference(have, want))
			}
			if have, want := store.Counters(), plain.Counters(); have != want {
				t.Fatalf("the store says that it has %d counters, want %d", have, want)
			}
			if have, want := snapshotCounts(store), snapshotCounts(plain); !maps.Equal(have, want) {
				t.Fatalf("as a snapshot %d counters, want %d: %v", len(have), len(want), difference(have, want))
			}
		})
	}
}

func replay(t testing.TB, store *counters.Store, benefit counters.Benefit, cells []counters.Cell) {
	t.Helper()
	if err := store.Replay(storetest.Noon(), benefit, cells); err != nil {
		t.Fatal(err)
	}
}

// countsOf is what readers get.
func countsOf(store *counters.Store) map[plainCounter]uint64 {
	counts := map[plainCounter]uint64{}
	for _, version := range []uint16{0, 0xffff} {
		store.Read(counters.PositionsOf(version, nil), nil, func(benefit counters.Benefit, cells []counters.Cell) {
			addCounts(counts, store, benefit, cells)
		})
	}
	return counts
}

// snapshotCounts is what a snapshot gets.
func snapshotCounts(store *counters.Store) map[plainCounter]uint64 {
	counts := map[plainCounter]uint64{}
	frozen := store.Freeze()
	defer frozen.Thaw()
	for _, part := range frozen.Parts() {
		if part.Kind != counters.Positions {
			continue
		}
		for benefit := range counters.Benefit(frozen.Benefits) {
			addCounts(counts, store, benefit, frozen.Cells(part, benefit, nil))
		}
	}
	return counts
}

func addCounts(counts map[plainCounter]uint64, store *counters.Store, benefit counters.Benefit, cells []counters.Cell) {
	for _, cell := range cells {
		counts[plainCounter{benefit: store.Benefits.Names()[benefit], key: cell.Key}] += cell.Count
	}
}

// allPositions are what another store counted of every position of pages of up to so many, of each of some benefits.
func allPositions(t testing.TB, benefits int, longest uint16) *counters.Foreign {
	t.Helper()
	foreign := counters.NewForeign(0)
	foreign.Events = bytesOf([]string{"show"})
	for n := range benefits {
		foreign.Benefits = append(foreign.Benefits, fmt.Append(nil, "benefit ", n))
		var cells []counters.Cell
		for total := uint16(1); total <= longest; total++ {
			for index := uint16(1); index <= total; index++ {
				cells = append(cells, counters.Cell{Key: mustKey(t, 1, 2, total, index), Count: 1})
			}
		}
		if err := foreign.Add(storetest.Noon(), counters.Benefit(n), cells); err != nil {
			t.Fatal(err)
		}
	}
	return foreign
}

func mergeAll(t testing.TB, store *counters.Store, foreign *counters.Foreign) {
	t.Helper()
	if _, err := store.Merge(nil, foreign); err != nil {
		t.Fatal(err)
	}
	storetest.Commit(store)
}

// addPage counts a page of so many positions of one benefit.
func addPage(t testing.TB, store *counters.Store, benefit string, positions int) {
	t.Helper()
	var page []storetest.Record
	for index := range positions {
		page = append(page, storetest.Shown(benefit, uint16(positions), uint16(index+1), storetest.Noon()))
	}
	store.Add(storetest.Batch(t, store, page))
	storetest.Commit(store)
}

func TestATableHasStretchesOnceSomethingIsMergedIntoIt(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	addPage(t, store, "benefit 0", 30)
	addPage(t, store, "benefit 1", 13)
	if in := counters.CountersInStretches(store); in != 0 {
		t.Errorf("%d counters are in stretches, though nothing was merged", in)
	}
	mergeAll(t, store, allPositions(t, 2, 1))
	if in := counters.CountersInStretches(store); in != 30 {
		t.Errorf("%d counters are in stretches, want the 30 that are enough", in)
	}
	mergeAll(t, store, allPositions(t, 10, 30))
	const positions = 10 * 30 * 31 / 2
	if in := counters.CountersInStretches(store); in < positions*9/10 {
		t.Errorf("%d counters are in stretches, want most of %d", in, positions)
	}
}

func TestAtTheLimitACounterInAStretchIsKnown(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	addPage(t, store, "benefit 7", 30)
	mergeAll(t, store, allPositions(t, 8, 20)) // so that tables of all shards have stretches
	addPage(t, store, "benefit 8", 30)
	store.SetLimits(counters.Limits{Benefits: 100, Counters: 1})
	noon := storetest.Noon()
	for _, test := range []struct {
		record storetest.Record
		want   string
	}{
		{storetest.Shown("benefit 7", 30, 30, noon), "benefit 7"},
		{storetest.Shown("benefit 0", 20, 20, noon), "benefit 0"},
		{storetest.Shown("benefit 0", 17, 1, noon), "benefit 0"},
		{storetest.Shown("benefit 0", 900, 1, noon), counters.OtherBenefit},
		{storetest.Shown("benefit 0", 5, 10, noon), counters.OtherBenefit}, // which has a place between others
		{storetest.Shown("benefit 9", 30, 30, noon), counters.OtherBenefit},
	} {
		if got := placed(t, store, test.record); got != test.want {
			t.Errorf("position %d of %d of %q counts for %q, want %q", test.record.Index, test.record.PageTotal, test.record.Benefit, got, test.want)
		}
	}
}

// A benefit may have nothing but stretches.
func TestABenefitWhoseCountersAreAllInOneStretchHasThem(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	addPage(t, store, "benefit 0", 30)
	foreign := counters.NewForeign(0)
	foreign.Benefits, foreign.Events = [][]byte{[]byte("benefit 0")}, bytesOf([]string{"show"})
	if err := foreign.Add(storetest.Noon(), 0, []counters.Cell{{Key: mustKey(t, 1, 2, 30, 1), Count: 1}}); err != nil {
		t.Fatal(err)
	}
	mergeAll(t, store, foreign)
	if in := counters.CountersInStretches(store); in != 30 {
		t.Fatalf("%d counters are in stretches, want 30", in)
	}
	store.SetLimits(counters.Limits{Benefits: 100, Counters: 1})
	for _, test := range []struct {
		pageTotal uint16
		want      string
	}{{30, "benefit 0"}, {31, counters.OtherBenefit}} {
		if got := placed(t, store, storetest.Shown("benefit 0", test.pageTotal, 30, storetest.Noon())); got != test.want {
			t.Errorf("position 30 of %d counts for %q, want %q", test.pageTotal, got, test.want)
		}
	}
	if events := storetest.Events(store); events != 31 {
		t.Errorf("%d events, want 31", events)
	}
}

// A thaw gives readers their turn between some benefits and the next ones.
func TestReadersSeeEachCountOnceWhileStretchesAreThawed(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	const benefits, each = 160, 60 * 61 / 2
	mergeAll(t, store, allPositions(t, benefits, 60))
	frozen := store.Freeze()
	mergeAll(t, store, allPositions(t, benefits, 60))
	thawed := make(chan struct{})
	go func() {
		defer close(thawed)
		frozen.Thaw()
	}()
	for over := false; !over; {
		select {
		case <-thawed:
			over = true
		default:
		}
		if events := storetest.Events(store); events != 2*benefits*each {
			t.Errorf("a reader sees %d events, want %d", events, 2*benefits*each)
		}
	}
	if have := store.Counters(); have != benefits*each+benefits {
		t.Errorf("%d counters, want %d and as many of hours as there are benefits", have, benefits*each)
	}
}

// It is not parallel: it looks at what the process allocates.
func TestAReadOfALargeBenefitCopiesItOnlyInPieces(t *testing.T) {
	for name, merged := range map[string]bool{"in a table": false, "in stretches": true} {
		t.Run(name, func(t *testing.T) {
			const piece, count = 1 << 11, 1 << 18
			if bytes := allocatedToRead(t, count, piece, merged); bytes > 4*count { // a copy would take eight for each
				t.Errorf("a read of %d counters by %d takes %d bytes", count, piece, bytes)
			}
		})
	}
}

// allocatedToRead is how many bytes a read of so many counters of one benefit allocates.
func allocatedToRead(t *testing.T, count, piece int, merged bool) uint64 {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	storetest.Number(t, store, storetest.Record{Benefit: "benefit 0", Event: "show", PageTotal: 1, Index: 1})
	if merged {
		mergeAll(t, store, allPositions(t, 1, 1))
	}
	cells := make([]counters.Cell, count)
	for place := range cells {
		key, err := counters.KeyAt(1, 2, uint32(place))
		if err != nil {
			t.Fatal(err)
		}
		cells[place] = counters.Cell{Key: key, Count: 1}
	}
	replay(t, store, 0, cells)
	read := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	store.ReadInPieces(counters.PositionsOf(2, nil), nil, piece, func(_ counters.Benefit, cells []counters.Cell) { read += len(cells) })
	runtime.ReadMemStats(&after)
	if read != count {
		t.Errorf("%d counters are read, want %d", read, count)
	}
	return after.TotalAlloc - before.TotalAlloc
}
