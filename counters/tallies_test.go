package counters

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// entriesOfAWindow makes entries of a window: of pages that come again and again, and of others, of any
// benefit, event type and version, some with counts that no tally holds.
func entriesOfAWindow(random *rand.Rand, pages []int, entries int) (list []Entry) {
	for range entries {
		size := pages[random.IntN(len(pages))]
		benefit, event, version := random.IntN(40), 1+random.IntN(talliedEvents+2), 1+random.IntN(2)
		key, _ := NewKey(EventType(event), uint16(version), uint16(size), uint16(1+random.IntN(size)))
		entry := Entry{newIncrement(Benefit(benefit), key), 1 + random.Uint64N(3)}
		switch random.IntN(500) {
		case 0:
			entry.Count = mostTallied - 2
		case 1:
			entry.Count = mostTallied << 8
		case 2:
			entry.increment = newIncrement(talliedBenefits+Benefit(benefit), key)
		}
		list = append(list, entry)
	}
	return list
}

// addAsSpans adds entries to a gathering as a delta has them.
func (g *gathered) addAsSpans(random *rand.Rand, entries []Entry) {
	for len(entries) > 0 {
		n := min(1+random.IntN(400), len(entries))
		span, _ := inOrder(slices.Clone(entries[:n]), nil)
		g.keep(span, span[0].Benefit(), span[len(span)-1].Benefit())
		entries = entries[n:]
	}
}

func TestWhatIsTalliedOfAWindowIsWhatAPlainMapHas(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var g gathered
	learned := 0
	for number, pages := range [][]int{{30}, {30}, {30, 31}, {10, 30}, {30, 31, 33}, {500}, {30}, {10}, {10}, {1, 1000}, {10}, {10}} {
		want := map[increment]uint64{}
		list := entriesOfAWindow(random, pages, 20_000)
		for _, entry := range list {
			want[entry.increment] += entry.Count
		}
		half := random.IntN(len(list))
		g.addAsSpans(random, list[:half])
		if random.IntN(2) == 0 {
			g.addUp()
		}
		g.addAsSpans(random, list[half:])
		if len(g.tallies.of) > 0 {
			learned++
		}
		g.addUp()
		if have := len(g.entries); have != len(want) {
			t.Errorf("window %d: %d counters, want %d", number, have, len(want))
		}
		previous := increment(0)
		for _, entry := range g.entries {
			if entry.increment <= previous {
				t.Fatalf("window %d: %x follows %x", number, entry.increment, previous)
			}
			if previous = entry.increment; entry.Count != want[previous] {
				t.Fatalf("window %d: %d of %x, want %d", number, entry.Count, previous, want[previous])
			}
		}
		g.reset()
	}
	if learned < 6 {
		t.Errorf("%d windows had tallies, want at least 6: nothing is tested without", learned)
	}
}

func TestTalliesTakeNoMoreRoomThanANearCacheHas(t *testing.T) {
	t.Parallel()
	var list []Entry
	for benefit := range Benefit(2 * talliedBenefits) {
		for place := range increment(20) {
			list = append(list, Entry{newIncrement(benefit, TotalKey(1)) | place, 5})
		}
	}
	var hot tallies
	hot.learn(list)
	if have := len(hot.counts); have > talliedPlaces || have < talliedPlaces/2 {
		t.Errorf("%d places are tallied, want about %d", have, talliedPlaces)
	}
	all := len(list)
	if rest, tallied := hot.add(nil, list), hot.take(nil); len(rest) != all-len(tallied) {
		t.Errorf("%d entries are left of %d, but %d were tallied", len(rest), all, len(tallied))
	}
}

func TestTalliesAreForgottenOfWhichABusyWindowHasHardlyAny(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	hot := entriesOfAWindow(random, []int{30}, 20_000)
	other := entriesOfAWindow(random, []int{1000}, 20_000)
	var g gathered
	for _, step := range []struct {
		what    string
		entries []Entry
		kept    bool
	}{{"hot", hot, true}, {"hot", hot, true}, {"hardly anything", hot[:10], true}, {"hot", hot, true}, {"other counters", other, false}} {
		g.addAsSpans(random, step.entries)
		g.addUp()
		g.reset()
		if kept := len(g.tallies.of) > 0; kept != step.kept {
			t.Errorf("after a window with %s there are tallies: %t", step.what, kept)
		}
	}
}

func TestSpansBecomeOneWhetherOneHasFewOrMany(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, lengths := range [][2]int{{0, 0}, {0, 9}, {9, 0}, {1, 1}, {1, 500}, {3, 500}, {400, 500}, {500, 3}} {
		for range 50 {
			want := map[increment]uint64{}
			var spans [2][]Entry
			for which, length := range lengths {
				for range length {
					entry := Entry{increment(1 + random.IntN(2*max(lengths[0], lengths[1]))), 1 + random.Uint64N(9)}
					want[entry.increment] += entry.Count
					spans[which] = append(spans[which], entry)
				}
				spans[which], _ = inOrder(spans[which], nil)
			}
			merged := mergeOrdered(nil, spans[0], spans[1])
			if len(merged) != len(want) || !slices.IsSortedFunc(merged, compareCounters) {
				t.Fatalf("of %v: %d entries, want %d in order", lengths, len(merged), len(want))
			}
			for _, entry := range merged {
				if entry.Count != want[entry.increment] {
					t.Fatalf("of %v: counter %d has %d, want %d", lengths, entry.increment, entry.Count, want[entry.increment])
				}
			}
		}
	}
}
