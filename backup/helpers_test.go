package backup_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"stats-recorder/backup"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// options are those of a keeper that writes snapshots and closes days all the time.
func options(directory string) snapshot.Options {
	return snapshot.Options{
		Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Millisecond,
		MaxEventAge: time.Hour, JournalSize: 4 << 10, Now: storetest.Noon().Time,
	}
}

func opened(t testing.TB, options snapshot.Options) *snapshot.Keeper {
	t.Helper()
	keeper, err := snapshot.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return keeper
}

func record(t testing.TB, keeper *snapshot.Keeper, records []storetest.Record) {
	t.Helper()
	ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), records))
	if err := errors.Join(err, ticket.Wait()); err != nil {
		t.Fatal(err)
	}
}

func closed(t testing.TB, keeper *snapshot.Keeper) {
	t.Helper()
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
}

// holding is a copy of a directory with closed days, open ones and commits that are in
// the journal alone, and what is in it.
func holding(t testing.TB) (directory string, model storetest.Model) {
	t.Helper()
	archive, model := held()
	if archive == nil {
		t.Fatal("the directory to begin with could not be made")
	}
	return restored(t, archive), model
}

// held is a backup of the directory that tests begin with, made once.
var held = sync.OnceValues(func() (archive []byte, model storetest.Model) {
	directory, err := os.MkdirTemp("", "backup")
	if err != nil {
		return nil, nil
	}
	defer os.RemoveAll(directory)
	model = storetest.Model{}
	random := rand.New(rand.NewPCG(1, 2))
	t := &testing.T{}
	for life := range 3 {
		o := options(directory)
		if life == 2 {
			o.SnapshotInterval = time.Hour
		}
		keeper := opened(t, o)
		for range 12 {
			batch := storetest.RandomBatch(random, 30)
			model.Add(batch)
			record(t, keeper, batch)
		}
		if life == 2 { // before there is a snapshot of all
			archive = archiveOf(t, directory)
		}
		closed(t, keeper)
	}
	return archive, model
})

func archiveOf(t testing.TB, directory string) []byte {
	t.Helper()
	held, err := backup.Hold(directory, counters.BuiltInKinds(), storetest.Noon().Time())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	var archive bytes.Buffer
	if err := backup.WriteArchive(&archive, held); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func into(directory string) backup.Restoring {
	return backup.Restoring{Directory: directory, Kinds: counters.BuiltInKinds()}
}

func restored(t testing.TB, archive []byte) (directory string) {
	t.Helper()
	directory = filepath.Join(t.TempDir(), "restored")
	if _, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(archive)), into(directory)); err != nil {
		t.Fatal(err)
	}
	return directory
}

// check starts a keeper on a directory and asks it everything.
func check(t testing.TB, directory string, model storetest.Model) {
	t.Helper()
	keeper := opened(t, snapshot.Options{Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Hour, Now: storetest.Noon().Time})
	defer closed(t, keeper)
	model.CheckTotals(t, keeper.Store(), totals(t, keeper))
}

// totals are those of open and closed days together.
func totals(t testing.TB, keeper *snapshot.Keeper) storetest.Totals {
	return func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
		if err := keeper.History().Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), counters.VisitTotals(visit)); err != nil {
			t.Error(err)
		}
	}
}

func identityOf(t testing.TB, directory string) string {
	t.Helper()
	files, err := disk.List(directory)
	if err != nil {
		t.Fatal(err)
	}
	return recovery.IdentityOf(files).String()
}

func namesIn(t testing.TB, directory string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
