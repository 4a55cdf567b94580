package snapshot_test

import (
	"os"
	"testing"

	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/salvage"
)

// TestADirectoryFromBeforeThereWereKindsIsRead reads what the program wrote then: two
// snapshots, closed days in two generations, and a journal of which the newest
// snapshot lacks two commits.
func TestADirectoryFromBeforeThereWereKindsIsRead(t *testing.T) {
	t.Parallel()
	options := options(t.TempDir())
	if err := os.CopyFS(options.Directory, os.DirFS("testdata/before-kinds")); err != nil {
		t.Fatal(err)
	}
	noon := storetest.Noon()
	model := storetest.ModelOf(
		storetest.Page(3, noon-5*24), storetest.Page(4, noon), storetest.Page(2, noon-5*24+3), storetest.Page(5, noon-1), storetest.Page(1, noon-5*24),
		[]storetest.Record{{Benefit: "rsa", Event: "link", Version: 3, PageTotal: 7, Index: 2, Hour: noon - 6*24}},
	)
	if report, err := salvage.Verify(options.Directory, kinds(t)); err != nil || report.Missing != nil || report.Needless() > 0 {
		t.Errorf("verify: %v, %v, %+v", err, report.Missing, report.Files)
	}
	keeper := opened(t, options)
	if recovery := keeper.Recovery(); recovery.Frames != 2 || recovery.Sequence != 6 || len(recovery.Warnings) > 0 {
		t.Errorf("recovery %+v, want two frames, up to commit 6", recovery)
	}
	check(t, keeper, model)
	closed(t, keeper)

	options.Kinds = kinds(t) // one kind more is kept from now on
	keeper = opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
	keeper = opened(t, options)
	check(t, keeper, model)
	closed(t, keeper)
}
