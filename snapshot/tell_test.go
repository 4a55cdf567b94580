package snapshot_test

import (
	"errors"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// sharing is a directory that counts with others, as notes say.
func sharing(t *testing.T, notes ...cluster.Note) snapshot.Options {
	t.Helper()
	options := snapshot.Options{Directory: t.TempDir(), Durability: snapshot.Always, SnapshotInterval: time.Hour}
	keeper, err := snapshot.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range append([]cluster.Note{{Origin: cluster.NewOrigin(), Position: cluster.Position{Epoch: cluster.Epoch{1}}}}, notes...) {
		ticket, err := keeper.Merge(note)
		if err == nil {
			err = ticket.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
	return options
}

// tell has an import of so many counters wait, of which it may tell a number.
func tell(t *testing.T, options snapshot.Options, have, most int) error {
	t.Helper()
	session, err := snapshot.OpenImport(options)
	if err != nil {
		return err
	}
	session.TellAtMost(most)
	err = session.Add(func(store *counters.Store) error {
		benefit, key := storetest.Number(t, store, storetest.Shown("imported", 1, 1, storetest.Noon()))
		for hour := range have {
			if err := session.Count(storetest.Noon()-counters.Hour(hour), benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = session.Tell(snapshot.Imports{})
	}
	return errors.Join(err, session.Close())
}

func TestAnImportOfMoreCountersThanItMayTellIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	options := sharing(t)
	if err := tell(t, options, 11, 10); !errors.Is(err, snapshot.ErrTooManyToTell) {
		t.Errorf("%v, want ErrTooManyToTell", err)
	}
	if err := tell(t, options, 10, 10); err != nil {
		t.Error(err)
	}
	if err := tell(t, options, 9, 10); !errors.Is(err, snapshot.ErrImportWaits) {
		t.Errorf("another one: %v, want ErrImportWaits", err)
	}
}

// The directory has the second announcement of the log and lacks the first.
func TestAnImportIntoADirectoryThatLacksAnAnnouncementIsRefused(t *testing.T) {
	t.Parallel()
	announced := cluster.Note{
		Merged:  []cluster.FrameNumber{{Origin: cluster.ImportsOrigin, Sequence: 2}},
		Imports: []cluster.Import{{Number: 2, Origin: cluster.Origin{2}, Frames: 1, Memory: snapshot.Imports{}.AppendMemory(nil)}},
	}
	if err := tell(t, sharing(t, announced), 1, 10); !errors.Is(err, snapshot.ErrImportUnknown) {
		t.Errorf("%v, want ErrImportUnknown", err)
	}
}
