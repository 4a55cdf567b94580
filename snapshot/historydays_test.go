package snapshot_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// TestDaysAreVisitedWithWhatIsClosedAndWhatIsLateAddedUp compares each day with a window
// of that day alone.
func TestDaysAreVisitedWithWhatIsClosedAndWhatIsLateAddedUp(t *testing.T) {
	t.Parallel()
	directory := closedDays(t)
	options := options(directory)
	keeper := opened(t, options)
	defer closed(t, keeper)
	record(t, keeper, storetest.Page(3, storetest.Noon()-5*24-1)) // late, of a closed day
	record(t, keeper, storetest.Page(3, storetest.Noon()-24))     // of an open one
	from, to := storetest.Noon().Day()-6, storetest.Noon().Day()
	got := map[string]uint64{}
	begun := 0
	err := keeper.History().ReadDays(2, from, to, func() { clear(got); begun++ }, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) {
		if !slices.IsSortedFunc(cells, func(a, b counters.Cell) int { return int(int64(a.Key) - int64(b.Key)) }) {
			t.Errorf("cells of %s are not sorted: %v", day, cells)
		}
		for _, cell := range cells {
			got[fmt.Sprint(day, benefit, cell.Key)] += cell.Count
		}
	})
	if err != nil || begun != 1 {
		t.Fatalf("begun %d times, %v", begun, err)
	}
	want := map[string]uint64{}
	for day := from; day < to; day++ {
		query := counters.PositionsOf(2, []counters.Hour{day.FirstHour(), (day + 1).FirstHour()})
		if err := keeper.History().Read(query, func(benefit counters.Benefit, cells []counters.Cell) {
			for _, cell := range cells {
				want[fmt.Sprint(day, benefit, cell.Key)] = cell.Count
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if !maps.Equal(got, want) || len(want) == 0 {
		t.Errorf("the days have %v, want %v", got, want)
	}
	for _, name := range lastGenerations(t, directory) {
		if err := os.Remove(filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := keeper.History().ReadDays(2, from, to, func() {}, func(counters.Day, counters.Benefit, []counters.Cell) {}); err == nil {
		t.Error("days without their files are visited")
	}
}
