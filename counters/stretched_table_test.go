package counters

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainCounts are what a table must have.
type plainCounts map[Benefit]map[Key]uint64

func (p plainCounts) add(benefit Benefit, key Key, count uint64) {
	if p[benefit] == nil {
		p[benefit] = map[Key]uint64{}
	}
	p[benefit][key] += count
}

// checkTable holds a table to what it must have, and to what its stretches promise.
func checkTable(t *testing.T, table *Table, want plainCounts) {
	t.Helper()
	counters := 0
	for local := range table.benefits {
		benefit := table.benefitAt(local)
		have, visited := map[Key]uint64{}, map[Key]uint64{}
		for _, cell := range table.Cells(benefit, nil) {
			have[cell.Key] += cell.Count
		}
		for key, count := range table.all(benefit) {
			visited[key] += count
		}
		if !maps.Equal(have, want[benefit]) || !maps.Equal(visited, have) {
			t.Fatalf("benefit %d has %d counters, and %d when they are visited, want %d", benefit, len(have), len(visited), len(want[benefit]))
		}
		if table.countersOf(benefit) != len(have) {
			t.Fatalf("benefit %d says that it has %d counters, it has %d", benefit, table.countersOf(benefit), len(have))
		}
		for key := range have {
			for _, near := range []Key{key - 1, key, key + 1} {
				if _, counted := have[near]; table.hasKey(benefit, near) != counted {
					t.Fatalf("the table says of key %#x what is not so: %t", uint64(near), !counted)
				}
			}
		}
		counters += len(have)
		if table.stretches != nil {
			checkStretches(t, &table.stretches[local])
		}
	}
	if table.Len() != counters {
		t.Fatalf("the table says that it has %d counters, it has %d", table.Len(), counters)
	}
}

// checkStretches holds stretches to their bounds, and to their order.
func checkStretches(t *testing.T, all *stretches) {
	t.Helper()
	list, used := all.appendInOrder(nil), 0
	for i, one := range list {
		counters := one.counters()
		used += counters
		if counters < stretchFrom || len(one.places) > stretchSpread*counters {
			t.Fatalf("a stretch has %d places for %d counters", len(one.places), counters)
		}
		if i > 0 && list[i-1].first+Key(len(list[i-1].places)) > one.first {
			t.Fatalf("two stretches have a place for key %#x", uint64(one.first))
		}
	}
	if used != all.used {
		t.Fatalf("stretches say that they have %d counters, they have %d", all.used, used)
	}
}

// someKeys gives keys that are close together, some apart, and any, with the ends of versions and of what a key
// can be.
func someKeys(random *rand.Rand) func() Key {
	gap := 1 + random.IntN(12)
	return func() Key {
		firsts := []Key{1 << 36, 1<<36 + 1<<20 - 50, 1<<42 - 300, 1<<37 - 100}
		key := firsts[random.IntN(len(firsts))]
		switch random.IntN(15) {
		case 0:
			key = Key(1<<36 + random.Uint64N(63<<36))
		case 1, 2, 3, 4, 5:
			key += Key(random.IntN(600) * gap)
		default:
			key += Key(random.IntN(1 + random.IntN(300)))
		}
		return min(key, 1<<keyBits-1)
	}
}

func TestATableWithStretchesHasWhatWasAddedToIt(t *testing.T) {
	t.Parallel()
	counts := []uint64{1, 1, 1, 2, 1<<22 - 1, 1 << 22, 1<<22 + 1, 1<<23 - 1, 1 << 23, 1<<32 - 1, 1 << 50}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 77))
		shards, key := 1<<random.IntN(4), someKeys(random)
		shard, benefits := random.IntN(shards), 1+random.IntN(12)
		anyBenefit := func() Benefit { return Benefit(shard + shards*random.IntN(1+random.IntN(benefits))) }
		empty := func() *Table { return newShardTable(random.Uint64(), shard, shards) }
		some := func(longest int, add func(Benefit, Key, uint64)) {
			for range 1 + random.IntN(longest) {
				add(anyBenefit(), key(), counts[random.IntN(len(counts))])
			}
		}
		table, want := empty(), plainCounts{}
		for range 30 {
			switch random.IntN(6) {
			case 0:
				table.beginStretches()
			case 1:
				some(100, func(b Benefit, k Key, c uint64) { table.Add(b, k, c); want.add(b, k, c) })
			case 2: // as a thaw does
				other, all := empty(), plainCounts{}
				if random.IntN(2) == 0 {
					other.beginStretches()
				}
				some(600, func(b Benefit, k Key, c uint64) { other.Add(b, k, c); all.add(b, k, c); want.add(b, k, c) })
				checkTable(t, other, all)
				for local := range other.benefits {
					table.take(other, local)
				}
				checkTable(t, other, nil)
			case 3: // as a day that is closed does
				into := empty()
				if random.IntN(2) == 0 {
					into.beginStretches()
				}
				into.Merge(table)
				checkTable(t, table, want)
				table = into
			default:
				var entries []Entry
				some(700, func(b Benefit, k Key, c uint64) {
					entries = append(entries, Entry{newIncrement(b, k), c})
					want.add(b, k, c)
				})
				if random.IntN(4) > 0 {
					entries, _ = inOrder(entries, nil)
				}
				before := table.Len()
				if added := table.addEntries(entries); added != table.Len()-before {
					t.Fatalf("%d counters are said to be new, want %d", added, table.Len()-before)
				}
			}
		}
		checkTable(t, table, want)
	}
}

// What is arranged anew for each few counters that come would take time by the square.
func TestABenefitThatWasArrangedHasRoomForAsManyMoreAsPayForIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ close, scattered int }{{14, 0}, {3000, 0}, {3000, 7}, {20, 900}, {0, 28}} {
		table := NewTable(1)
		table.beginStretches()
		for n := range test.close {
			table.Add(0, 1<<36+Key(n), 1)
		}
		for n := range test.scattered {
			table.Add(0, 1<<37+Key(n*100), 1)
		}
		table.arrange(0)
		if in := table.stretches[0].used; in != test.close {
			t.Errorf("of %d counters %d are in stretches", test.close, in)
		}
		room := len(table.benefits[0].words)*7/8 - table.benefits[0].used
		if want := max(test.scattered, test.close/restShare); room < want {
			t.Errorf("%d in stretches and %d others have room for %d more, want %d", test.close, test.scattered, room, want)
		}
	}
}

func TestNeighboursThatCanBeOneStretchAre(t *testing.T) {
	t.Parallel()
	table := NewTable(1)
	table.beginStretches()
	for n := range Key(20) { // two that are too far from each other, each with every key
		table.Add(0, 1<<36+n, 1)
		table.Add(0, 1<<36+150+n, 1)
		table.Add(1, 1<<36+n, 1) // and two that are not, though the first counter of the second one would be
		table.Add(1, 1<<36+100+n, 1)
	}
	table.arrange(0)
	table.arrange(1)
	if list := table.stretches[1].appendInOrder(nil); len(list) != 1 {
		t.Errorf("%d stretches, want 1", len(list))
	}
	if list := table.stretches[0].appendInOrder(nil); len(list) != 2 {
		t.Fatalf("%d stretches, want 2", len(list))
	}
	for n := range Key(20) { // with these between they are not
		table.Add(0, 1<<36+65+n, 1)
	}
	table.arrange(0)
	list := table.stretches[0].appendInOrder(nil)
	if len(list) != 1 || list[0].counters() != 60 {
		t.Errorf("%d stretches, want one of 60 counters", len(list))
	}
	if !slices.IsSortedFunc(table.Cells(0, nil), func(a, b Cell) int { return int(int64(a.Key) - int64(b.Key)) }) {
		t.Error("its counters are out of order")
	}
}
