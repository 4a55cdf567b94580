package salvage_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

// TestAfterAnyDamageEveryBatchCanBeSentAgain spoils directories whose batches have keys, and
// sends all again to the server that starts there, after a repair where that is needed. Each
// then counts once: what is left knows its key, what is lost does not.
func TestAfterAnyDamageEveryBatchCanBeSentAgain(t *testing.T) {
	random := storetest.Random(t)
	lost := 0
	for done := 0; done < *repairs; done += 10 {
		directory := inMemory(t)
		batches := 0
		for range 2 + random.IntN(3) {
			batches = sendMore(t, directory, batches, 1+random.IntN(5), random.IntN(2) == 0)
		}
		for range 10 {
			spoiledCopy := copied(t, directory)
			damages := spoiled(t, random, spoiledCopy)
			again, refused := sendAgain(t, spoiledCopy, batches, damages)
			if !refused {
				lost += batches - again
			}
			os.RemoveAll(filepath.Dir(spoiledCopy))
		}
	}
	if lost == 0 {
		t.Error("no damage has cost a batch: nothing is tried")
	}
}

func keyedOptions(directory string) snapshot.Options {
	return snapshot.Options{
		Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Hour,
		Now: func() time.Time { return storetest.Noon().Time() },
	}
}

// sendOnce sends batch n, and says whether it came before.
func sendOnce(t *testing.T, keeper *snapshot.Keeper, n int) (again bool) {
	t.Helper()
	sum := idempotency.SumOf(fmt.Append(nil, n))
	batch := storetest.Batch(t, keeper.Store(), []storetest.Record{storetest.Shown(fmt.Sprint("batch ", n), 1, 1, storetest.Noon())})
	sent, err := keeper.RecordOnce(batch, counters.Mark{Key: sum, Body: sum, Answer: strings.Repeat("x", n)})
	if err := errors.Join(err, sent.Ticket.Wait()); err != nil || sent.Other || len(sent.Answer) != n {
		t.Errorf("batch %d: %+v, %v", n, sent, err)
	}
	return sent.Again
}

// sendMore is the life of a keeper that gets some batches more, and has a snapshot of all but
// the last.
func sendMore(t *testing.T, directory string, from, more int, crashes bool) (batches int) {
	t.Helper()
	keeper := opened(t, keyedOptions(directory))
	for n := range more {
		if n == more-1 {
			if err := keeper.SnapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sendOnce(t, keeper, from+n)
	}
	crashed := copied(t, directory)
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
	if crashes {
		if err := errors.Join(os.RemoveAll(directory), os.Rename(crashed, directory)); err != nil {
			t.Fatal(err)
		}
	}
	return from + more
}

// sendAgain starts a keeper on a spoiled directory, and sends all batches.
func sendAgain(t *testing.T, directory string, batches int, damages map[string]string) (again int, refused bool) {
	t.Helper()
	for name, how := range damages {
		if how == unreadable {
			damages[name] = "left as it is"
		}
	}
	keeper, err := snapshot.Open(keyedOptions(directory))
	if err != nil && !errors.Is(err, format.ErrVersion) {
		if _, err = repair(directory); err == nil {
			keeper, err = snapshot.Open(keyedOptions(directory))
		}
	}
	if errors.Is(err, format.ErrVersion) {
		return 0, true
	}
	if err != nil {
		t.Fatalf("%v: %v", damages, err)
	}
	left := storetest.Events(keeper.Store())
	for n := range batches {
		if sendOnce(t, keeper, n) {
			again++
		}
	}
	if counted := storetest.Events(keeper.Store()); counted != uint64(batches) || left != uint64(again) {
		t.Errorf("%v: of %d batches %d were left, and %d known; sent again, %d count", damages, batches, left, again, counted)
	}
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
	return again, false
}
