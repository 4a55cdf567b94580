package snapshot_test

import (
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

func TestACommitWaitsForAllThenForHalfThenForNobody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		expected   int // batches
		timesOver  int
		wakesAfter int // batches
	}{
		{"at first, as many as are expected", 6, 0, 6},
		{"then half as many", 6, 1, 3},
		{"half of an odd number, rounded down", 5, 1, 2},
		{"then a single one", 6, 2, 1},
		{"still a single one", 6, 3, 1},
		{"one, where one is expected", 1, 0, 1},
		{"half of one is one", 1, 1, 1},
		{"one, where nothing is expected", 0, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := counters.NewStore(counters.WhenDurable)
			wait := snapshot.NewGroupWait(store)
			wait.Committed(test.expected)
			for range test.timesOver {
				wait.RunOut()
			}
			for added := 1; added <= test.wakesAfter; added++ {
				_, _ = store.Add(storetest.Batch(t, store, storetest.Page(1, storetest.Noon())))
				select {
				case <-store.Wake():
					if added < test.wakesAfter {
						t.Fatalf("a commit begins with %d batches, want %d", added, test.wakesAfter)
					}
				default:
					if added == test.wakesAfter {
						t.Fatalf("no commit begins with %d batches", added)
					}
				}
			}
		})
	}
}

func TestBatchesThatWaitAreCommittedWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	wait := snapshot.NewGroupWait(store)
	wait.Committed(6)
	_, _ = store.Add(storetest.Batch(t, store, storetest.Page(1, storetest.Noon())))
	for _, wakes := range []bool{false, true} {
		wait.RunOut()
		select {
		case <-store.Wake():
			if !wakes {
				t.Error("one batch does not wait for another two")
			}
		default:
			if wakes {
				t.Error("one batch waits for ever")
			}
		}
	}
}
