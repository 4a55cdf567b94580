package counters_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// place is where a table counts.
type place struct {
	benefit counters.Benefit
	key     counters.Key
}

// plainTable is what a table must come to.
type plainTable map[place]uint64

// benefitsInTables is above all benefits that these tests use.
const benefitsInTables = 50

func contents(t testing.TB, table *counters.Table) plainTable {
	t.Helper()
	plain := plainTable{}
	var cells []counters.Cell
	for benefit := range counters.Benefit(benefitsInTables) {
		cells = table.Cells(benefit, cells[:0])
		for i, cell := range cells {
			if i > 0 && cells[i-1].Key >= cell.Key {
				t.Errorf("keys %#x and %#x of benefit %d are out of order", cells[i-1].Key, cell.Key, benefit)
			}
			plain[place{benefit, cell.Key}] = cell.Count
		}
	}
	if table.Len() != len(plain) {
		t.Errorf("the table says it has %d counters, it has %d", table.Len(), len(plain))
	}
	return plain
}

// randomTable is a table and the same counts in a map. Some counts need more
// than the low bits of a cell.
func randomTable(t testing.TB, random *rand.Rand) (*counters.Table, plainTable) {
	t.Helper()
	table, plain := counters.NewTable(random.Uint64()), plainTable{}
	spread := 1 + random.IntN(40)
	for range random.IntN(400) {
		benefit := counters.Benefit(random.IntN(benefitsInTables))
		key := mustKey(t, counters.EventType(1+random.IntN(3)), uint16(random.IntN(2)),
			uint16(1+random.IntN(spread)), uint16(1+random.IntN(spread)))
		count := uint64(1) << random.IntN(40)
		table.Add(benefit, key, count)
		plain[place{benefit, key}] += count
	}
	return table, plain
}

func merged(tables ...*counters.Table) *counters.Table {
	sum := counters.NewTable(7)
	for _, table := range tables {
		sum.Merge(table)
	}
	return sum
}

func TestATableCountsLikeAMap(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for range 50 {
		table, want := randomTable(t, random)
		if got := contents(t, table); !maps.Equal(got, want) {
			t.Fatalf("the table has %v, want %v", got, want)
		}
	}
}

func TestMergingIsCommutativeAndAssociative(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for range 50 {
		a, plainA := randomTable(t, random)
		b, plainB := randomTable(t, random)
		c, plainC := randomTable(t, random)
		want := plainTable{}
		for _, plain := range []plainTable{plainA, plainB, plainC} {
			for place, count := range plain {
				want[place] += count
			}
		}
		for order, sum := range map[string]*counters.Table{
			"(a+b)+c": merged(merged(a, b), c), "a+(b+c)": merged(a, merged(b, c)),
			"c+b+a": merged(c, b, a), "b+a+c": merged(b, a, c),
		} {
			if got := contents(t, sum); !maps.Equal(got, want) {
				t.Fatalf("%s is %v, want %v", order, got, want)
			}
		}
		if !maps.Equal(contents(t, a), plainA) || !maps.Equal(contents(t, b), plainB) {
			t.Fatalf("merging changed what was merged")
		}
	}
}

func TestMergingAnEmptyTableChangesNothing(t *testing.T) {
	t.Parallel()
	table, want := randomTable(t, storetest.Random(t))
	table.Merge(counters.NewTable(1))
	if got := contents(t, table); !maps.Equal(got, want) {
		t.Errorf("the table has %v, want %v", got, want)
	}
	if got := contents(t, merged(counters.NewTable(1))); len(got) != 0 {
		t.Errorf("two empty tables make %v", got)
	}
}

func TestCountsCarryBeyondTheLowBitsOfACell(t *testing.T) {
	t.Parallel()
	const full = 1 << 22 // the first count that does not fit beside its key
	key, neighbour := mustKey(t, 1, 2, 5, 3), mustKey(t, 1, 2, 5, 4)
	for _, counts := range [][]uint64{
		{full - 1}, {full}, {full + 1}, {full - 1, 1}, {full - 1, 1, full - 1, 1}, {1, full - 1, 1},
		{full - 1, full - 1}, {full, full}, {2*full - 1, 1}, {1 << 56, 1 << 56}, {1<<56 + full - 1, 1}, {1 << 62, full - 1, 1},
	} {
		table := counters.NewTable(1)
		want := uint64(0)
		for _, count := range counts {
			table.Add(0, key, count)
			table.Add(0, neighbour, 1)
			want += count
		}
		cells := []counters.Cell{{Key: key, Count: want}, {Key: neighbour, Count: uint64(len(counts))}}
		if got := table.Cells(0, nil); !slices.Equal(got, cells) {
			t.Errorf("%d add up to %v, want %v", counts, got, cells)
		}
		if got := merged(table, table).Cells(0, nil); got[0].Count != 2*want {
			t.Errorf("twice %d is %d", counts, got[0].Count)
		}
	}
}

func TestOneByOneOverTheLowBitsOfACell(t *testing.T) {
	t.Parallel()
	const full = 1 << 22
	key := mustKey(t, 1, 2, 5, 3)
	table := counters.NewTable(1)
	table.Add(0, key, 3*full-5)
	for i := range uint64(10) {
		if got := table.Cells(0, nil)[0].Count; got != 3*full-5+i {
			t.Errorf("count %d, want %d", got, 3*full-5+i)
		}
		table.Add(0, key, 1)
	}
}

func TestReservingRoomChangesNoCount(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for _, room := range []int{0, 1, 7, 8, 14, 15, 1000} {
		table, want := randomTable(t, random)
		for benefit := range counters.Benefit(benefitsInTables) {
			table.Reserve(benefit, room)
		}
		if got := contents(t, table); !maps.Equal(got, want) {
			t.Errorf("with room for %d the table has %v, want %v", room, got, want)
		}
	}
}

func TestCellsAreAppended(t *testing.T) {
	t.Parallel()
	table := counters.NewTable(1)
	key := mustKey(t, 1, 2, 1, 1)
	table.Add(3, key, 4)
	before := counters.Cell{Key: key + 1, Count: 9}
	want := []counters.Cell{before, {Key: key, Count: 4}}
	if got := table.Cells(3, []counters.Cell{before}); !slices.Equal(got, want) {
		t.Errorf("cells %v, want %v", got, want)
	}
	for _, absent := range []counters.Benefit{0, 4, 1000} {
		if got := table.Cells(absent, []counters.Cell{before}); len(got) != 1 {
			t.Errorf("benefit %d without counts has %v", absent, got[1:])
		}
	}
}
