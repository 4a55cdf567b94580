package snapshot_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot"
)

// once records a batch of one record with a key, and says whether it came before.
func once(t testing.TB, keeper *snapshot.Keeper, key string) (again bool) {
	t.Helper()
	batch := storetest.Batch(t, keeper.Store(), []storetest.Record{storetest.Shown(key, 1, 1, storetest.Noon())})
	sent, err := keeper.RecordOnce(batch, markOf(key))
	if err := errors.Join(err, sent.Ticket.Wait()); err != nil || sent.Other || sent.Answer != "of "+key {
		t.Errorf("%q: %+v, %v", key, sent, err)
	}
	return sent.Again
}

func markOf(key string) counters.Mark {
	sum := idempotency.SumOf([]byte(key))
	return counters.Mark{Key: sum, Body: sum, Answer: "of " + key}
}

func expectAgain(t testing.TB, keeper *snapshot.Keeper, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if !once(t, keeper, key) {
			t.Errorf("%q is forgotten", key)
		}
	}
	if got := storetest.Events(keeper.Store()); got != uint64(len(keys)) {
		t.Errorf("%d events are counted, want %d", got, len(keys))
	}
}

func TestKeysAreWhereTheirBatchesAre(t *testing.T) {
	for name, durability := range map[string]snapshot.Durability{"always": snapshot.Always, "everysec": snapshot.EverySecond, "snapshot": snapshot.Snapshot} {
		t.Run(name, func(t *testing.T) {
			options := options(t.TempDir())
			options.Durability = durability
			keeper := opened(t, options)
			once(t, keeper, "in two snapshots")
			if err := keeper.SnapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			once(t, keeper, "in one")
			if err := keeper.SnapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := []string{"in two snapshots", "in one"}
			if durability != snapshot.Snapshot {
				once(t, keeper, "in a journal")
				want = append(want, "in a journal")
			}
			crashed := crashed(t, options.Directory)
			expectAgain(t, keeper, want...)
			closed(t, keeper)
			for range 2 { // the second has them from a snapshot
				options.Directory = crashed
				keeper = opened(t, options)
				expectAgain(t, keeper, want...)
				closed(t, keeper)
			}
		})
	}
}

// TestARejectedBatchAloneHasAKeyOfItsOwn has nothing to count.
func TestARejectedBatchAloneHasAKeyOfItsOwn(t *testing.T) {
	options := options(t.TempDir())
	keeper := opened(t, options)
	empty := func() idempotency.Sent {
		batch := keeper.Store().NewBatch()
		sent, err := keeper.RecordOnce(batch, markOf("rejected"))
		if err := errors.Join(err, sent.Ticket.Wait()); err != nil {
			t.Fatal(err)
		}
		return sent
	}
	if empty().Again || !empty().Again {
		t.Error("the first is one that came before, or the second is not")
	}
	options.Directory = crashed(t, options.Directory)
	closed(t, keeper)
	keeper = opened(t, options)
	defer closed(t, keeper)
	if sent := empty(); !sent.Again || sent.Answer != "of rejected" {
		t.Errorf("after a crash it is %+v", sent)
	}
}

// TestKeysGrowOldOverCrashes has a window of an hour, of which the processes run their part.
func TestKeysGrowOldOverCrashes(t *testing.T) {
	clock, options := newClock(), options(t.TempDir())
	options.Elapsed, options.Keys = clock.elapsed, &idempotency.Bounds{Age: time.Hour, Keys: 100}
	for process, want := range []bool{false, true, true, false, true} {
		keeper := opened(t, options)
		if again := once(t, keeper, "k"); again != want {
			t.Errorf("in process %d, the key came before: %v", process, again)
		}
		clock.turn(25 * time.Minute)
		once(t, keeper, fmt.Sprint(process)) // so that the directory knows of that time
		options.Directory = crashed(t, options.Directory)
		closed(t, keeper)
		clock.turn(1000 * time.Hour) // in which none runs
	}
}

func TestAKeyIsKnownWhereItsBatchWasMerged(t *testing.T) {
	letters := &mailbox{}
	from, to := options(t.TempDir()), options(t.TempDir())
	from.Follower, to.Follower = letters, letters
	first, second := opened(t, from), opened(t, to)
	letters.of(first.Store())
	once(t, first, "counted")
	batch := first.Store().NewBatch()
	if sent, err := first.RecordOnce(batch, markOf("rejected")); errors.Join(err, sent.Ticket.Wait()) != nil {
		t.Fatal(err)
	}
	closed(t, first)
	told := letters.take(storetest.Random(t), 10)
	if len(told) != 2 {
		t.Fatalf("%d commits are told, want both", len(told))
	}
	for _, letter := range told {
		ticket, err := second.Merge(cluster.Note{}, letter)
		if err := errors.Join(err, ticket.Wait()); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"counted", "rejected"} {
		if _, found := second.Sent(markOf(key).Key, markOf(key).Body); !found {
			t.Errorf("%q is not known where it was merged", key)
		}
	}
	expectAgain(t, second, "counted")
	to.Directory = crashed(t, to.Directory)
	closed(t, second)
	if more := letters.take(storetest.Random(t), 10); len(more) > 0 {
		t.Errorf("%d commits are told of what was merged", len(more))
	}
	second = opened(t, to)
	expectAgain(t, second, "counted")
	closed(t, second)
}

// TestAnImportAndItsUndoingKeepTheKeys has one in the snapshot before, and one in a journal.
func TestAnImportAndItsUndoingKeepTheKeys(t *testing.T) {
	options := options(t.TempDir())
	keeper := opened(t, options)
	once(t, keeper, "before")
	closed(t, keeper)
	brought, err := snapshot.OpenImport(options)
	if err != nil {
		t.Fatal(err)
	}
	benefit, key := storetest.Number(t, brought.Store(), storetest.Shown("imported", 1, 1, storetest.Noon()))
	if err := brought.Store().Replay(storetest.Noon(), benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
		t.Fatal(err)
	}
	events := brought.Events() + 1
	if err := errors.Join(brought.Commit(snapshot.Imports{List: []snapshot.Imported{{At: noon()}}, Events: events}), brought.Close()); err != nil {
		t.Fatal(err)
	}
	keeper = opened(t, options)
	if !once(t, keeper, "before") {
		t.Error("the import has forgotten the key")
	}
	if sent, err := keeper.RecordOnce(keeper.Store().NewBatch(), markOf("since")); errors.Join(err, sent.Ticket.Wait()) != nil {
		t.Fatal(err)
	}
	closed(t, keeper)
	if _, err := snapshot.Undo(options); err != nil {
		t.Fatal(err)
	}
	keeper = opened(t, options)
	defer closed(t, keeper)
	expectAgain(t, keeper, "before")
	if _, found := keeper.Sent(markOf("since").Key, markOf("since").Body); !found {
		t.Error("undoing has forgotten a key from after the import")
	}
}
