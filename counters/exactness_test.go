package counters_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// A plainCounter is what a plain map has a count of.
type plainCounter struct {
	hour    counters.Hour
	benefit string
	key     counters.Key
}

// An adversary makes counters at and beside the bounds of what is packed, added up by place
// and added up by benefit.
type adversary struct {
	*rand.Rand
	hours            []counters.Hour
	benefits, events []string
	versions         []uint16
	places           []uint32
	counts           []uint64
}

func newAdversary(random *rand.Rand) *adversary {
	one := &adversary{
		Rand:     random,
		hours:    []counters.Hour{0, storetest.Noon(), counters.MaxDay.FirstHour() + 23, counters.Undated},
		benefits: []string{"a", "b", "c"}, events: []string{"show", "click"},
		versions: []uint16{0, 1, 1<<16 - 1}, places: []uint32{0, 63, 64, 8190, 8191},
		counts: []uint64{1, 2, 1<<8 - 1, 1 << 8, 1<<12 - 1},
	}
	one.hours, one.versions = one.hours[:1+random.IntN(4)], one.versions[:1+random.IntN(3)]
	if random.IntN(2) == 0 { // few places, of which there are many counters each
		one.places = []uint32{0, 1, 63, 64, 127}
	}
	if random.IntN(3) == 0 {
		one.places = append(one.places, 8192)
	}
	if random.IntN(4) == 0 {
		one.places = append(one.places, 1<<counters.PlaceBits-1)
	}
	if random.IntN(3) == 0 {
		one.counts = append(one.counts, 1<<12, 1<<16, 1<<22-1)
	}
	if random.IntN(3) == 0 {
		one.counts = append(one.counts, 1<<22, 1<<24, 1<<32-1, 1<<32, 1<<44)
	}
	for range random.IntN(3) * random.IntN(80) {
		one.versions = append(one.versions, uint16(random.Uint32()))
	}
	return one
}

func chosen[T any](a *adversary, from []T) T { return from[a.IntN(len(from))] }

// cells are some of one benefit and hour.
func (a *adversary) cells(t *testing.T) (cells []counters.Cell) {
	for range 1 + a.IntN(200) {
		key, err := counters.KeyAt(counters.EventType(1+a.IntN(len(a.events))), chosen(a, a.versions), chosen(a, a.places))
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, counters.Cell{Key: key, Count: chosen(a, a.counts)})
	}
	return cells
}

// spansAsMap are spans as a plain map. It fails the test where they are not in order, each
// counter once.
func spansAsMap(t *testing.T, spans []counters.Span, names func(counters.Benefit) string) map[plainCounter]uint64 {
	t.Helper()
	have := map[plainCounter]uint64{}
	for _, span := range spans {
		for i, entry := range span.Entries {
			if before := span.Entries[max(i-1, 0)]; i > 0 && (before.Benefit() > entry.Benefit() || before.Benefit() == entry.Benefit() && before.Key() >= entry.Key()) {
				t.Fatalf("benefit %d key %#x follows benefit %d key %#x", entry.Benefit(), entry.Key(), before.Benefit(), before.Key())
			}
			have[plainCounter{span.Hour, names(entry.Benefit()), entry.Key()}] += entry.Count
		}
	}
	return have
}

func bytesOf(names []string) (list [][]byte) {
	for _, name := range names {
		list = append(list, []byte(name))
	}
	return list
}

func TestWhatIsMergedAndWhatIsGatheredIsWhatAPlainMapHas(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for round := range 60 {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			a, want, store := newAdversary(random), map[plainCounter]uint64{}, counters.NewStore(counters.WhenDurable)
			storetest.Number(t, store, storetest.Record{Benefit: "a", Event: "show", PageTotal: 1, Index: 1})
			storetest.Number(t, store, storetest.Record{Benefit: "another", Event: "click", PageTotal: 1, Index: 1})
			var told []*counters.Foreign
			var gathering, second counters.Gathering
			for range 1 + a.IntN(12) {
				foreign := counters.NewForeign(0)
				names := slices.Clone(a.benefits)
				a.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
				foreign.Benefits, foreign.Events = bytesOf(names), bytesOf(a.events)
				for range a.IntN(12) {
					hour, benefit, cells := chosen(a, a.hours), a.IntN(len(names)), a.cells(t)
					if err := foreign.Add(hour, counters.Benefit(benefit), cells); err != nil {
						t.Fatal(err)
					}
					into := &gathering
					if a.IntN(3) == 0 {
						into = &second
					}
					into.AddCells(hour, counters.Benefit(slices.Index(a.benefits, names[benefit])), cells)
					for _, cell := range cells {
						want[plainCounter{hour, names[benefit], cell.Key}] += cell.Count
					}
				}
				told = append(told, foreign)
			}
			gathering.Take(&second)
			if have := spansAsMap(t, gathering.Spans(), func(b counters.Benefit) string { return a.benefits[b] }); !maps.Equal(have, want) {
				t.Errorf("gathered are %d counters, want %d: %v", len(have), len(want), difference(have, want))
			}
			gathering.Release()
			if _, err := store.Merge([]byte("note"), told...); err != nil {
				t.Fatal(err)
			}
			delta := store.Seal()
			names := func(b counters.Benefit) string { return store.Benefits.Names()[b] }
			if have := spansAsMap(t, delta.Spans, names); !maps.Equal(have, want) {
				t.Errorf("merged are %d counters, want %d: %v", len(have), len(want), difference(have, want))
			}
			delta.Commit()
			if have, want := storetest.Events(store), sumOf(want); have != want {
				t.Errorf("%d events are counted, want %d", have, want)
			}
		})
	}
}

func sumOf(plain map[plainCounter]uint64) (sum uint64) {
	for _, count := range plain {
		sum += count
	}
	return sum
}

// difference is a counter that two maps have otherwise.
func difference(have, want map[plainCounter]uint64) string {
	for key := range want {
		if have[key] != want[key] {
			return fmt.Sprintf("%v is %d, want %d", key, have[key], want[key])
		}
	}
	for key := range have {
		if _, found := want[key]; !found {
			return fmt.Sprintf("%v is %d, want none", key, have[key])
		}
	}
	return "none"
}

// What other nodes tell may name a place again and again.
func TestAPlaceThatIsNamedAgainAndAgainAddsUpBeyond32Bits(t *testing.T) {
	t.Parallel()
	const count, times = 1<<12 - 1, 1<<20 + 1<<9
	key, err := counters.KeyAt(1, 2, 7)
	if err != nil {
		t.Fatal(err)
	}
	foreign := counters.NewForeign(times)
	foreign.Benefits, foreign.Events = bytesOf([]string{"a"}), bytesOf([]string{"show"})
	if err := foreign.Add(storetest.Noon(), 0, slices.Repeat([]counters.Cell{{Key: key, Count: count}}, times)); err != nil {
		t.Fatal(err)
	}
	store := counters.NewStore(counters.WhenDurable)
	if _, err := store.Merge(nil, foreign); err != nil {
		t.Fatal(err)
	}
	delta := store.Seal()
	if have := delta.Spans[0].Entries; len(have) != 1 || have[0].Count != count*times {
		t.Errorf("%d counters, the first one %d, want one of %d", len(have), have[0].Count, uint64(count*times))
	}
	delta.Commit()
}
