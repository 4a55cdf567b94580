package snapshot_test

import (
	"testing"
	"time"

	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// statusUntil records a page before each look at the status, until that is as wanted.
func statusUntil(t *testing.T, keeper *snapshot.Keeper, title string, page []storetest.Record, wanted func(snapshot.Status) bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if len(page) > 0 {
			record(t, keeper, page)
		}
		status, err := keeper.Status()
		if err != nil {
			t.Fatal(err)
		}
		if wanted(status) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time; the status is %+v", title, status)
		}
	}
}

// TestTheStatusSaysHowFarTheDiskIsBehind looks for records that wait for a sync, or for
// a snapshot, and for when they have it.
func TestTheStatusSaysHowFarTheDiskIsBehind(t *testing.T) {
	t.Parallel()
	page := storetest.Page(3, storetest.Noon())
	isBehind := func(s snapshot.Status) bool { return s.Unsynced > 0 }
	isNot := func(s snapshot.Status) bool { return s.Unsynced == 0 }
	for durability, name := range map[snapshot.Durability]string{snapshot.Always: "always", snapshot.EverySecond: "everysec", snapshot.Snapshot: "snapshot"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chosen := options(t.TempDir())
			chosen.Durability, chosen.SnapshotInterval = durability, time.Hour
			keeper := opened(t, chosen)
			status, err := keeper.Status()
			if err != nil || !status.Committed.IsZero() || status.Unsynced != 0 {
				t.Errorf("without records the status is %+v (%v)", status, err)
			}
			if durability == snapshot.Always {
				record(t, keeper, page)
			} else {
				statusUntil(t, keeper, "behind", page, isBehind)
			}
			if durability == snapshot.Snapshot {
				if err := keeper.SnapshotNow(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			statusUntil(t, keeper, "not behind", nil, isNot)
			status, err = keeper.Status()
			if err != nil || status.Committed.IsZero() || time.Since(status.Committed) > time.Minute {
				t.Errorf("after a record the status is %+v (%v)", status, err)
			}
			closed(t, keeper)
		})
	}
}
