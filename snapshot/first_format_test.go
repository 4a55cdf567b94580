package snapshot_test

import (
	"os"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// TestWhatTheFirstFormatListsIsRead reads a directory from before the list of
// closed days was written in columns, with two such days.
func TestWhatTheFirstFormatListsIsRead(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	if err := os.CopyFS(directory, os.DirFS("testdata/first-format")); err != nil {
		t.Fatal(err)
	}
	day := storetest.Noon().Day() - 5 // 2026-07-10
	model := storetest.ModelOf([]storetest.Record{
		storetest.Shown("rsa", 2, 1, day.FirstHour()+10),
		storetest.Shown("apl", 2, 2, day.FirstHour()+11),
		{Benefit: "rsa", Event: "link", Version: 2, PageTotal: 2, Index: 1, Hour: (day + 2).FirstHour() + 10},
	})
	for range 2 { // the second start reads what the first one wrote
		keeper := opened(t, options(directory))
		check(t, keeper, model)
		page := storetest.Page(2, storetest.Noon())
		record(t, keeper, page)
		model.Add(page)
		check(t, keeper, model)
		if first, last, any := keeper.History().Span(); !any || first != day || last != storetest.Noon().Day() {
			t.Errorf("days %v to %v, want %v to %v", first, last, day, counters.Day(day+5))
		}
		closed(t, keeper)
	}
}
