package snapshot_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// importing opens an import and ends it as the function says.
func importing(t *testing.T, directory string, end func(*snapshot.Import) error) error {
	t.Helper()
	session, err := snapshot.OpenImport(options(directory))
	if err != nil {
		t.Fatal(err)
	}
	return errors.Join(end(session), session.Close())
}

// TestWhatNoStartCouldReadIsNotWritten adds counts each of which is possible, and whose
// sum is not.
func TestWhatNoStartCouldReadIsNotWritten(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	lived(t, directory, storetest.Page(4, storetest.Noon()))
	before := files(t, directory)
	err := importing(t, directory, func(session *snapshot.Import) error {
		benefit, key := storetest.Number(t, session.Store(), storetest.Page(4, storetest.Noon())[0])
		past := counters.Part{Kind: counters.Positions, Day: counters.Past}
		for range 2 {
			if err := session.Store().Restore(past, benefit, []counters.Cell{{Key: key, Count: 1 << 56}}); err != nil {
				t.Fatal(err)
			}
		}
		return session.Commit(snapshot.Imports{})
	})
	if !errors.Is(err, counters.ErrImpossibleCounts) {
		t.Errorf("the error is %v, want %v", err, counters.ErrImpossibleCounts)
	}
	if after := files(t, directory); !reflect.DeepEqual(after, before) {
		t.Error("the files have changed")
	}
	closed(t, opened(t, options(directory)))
}

// TestAnyNumberOfImportsIsRemembered has more than a section holds.
func TestAnyNumberOfImportsIsRemembered(t *testing.T) {
	t.Parallel()
	want := snapshot.Imports{Untold: 3, Events: 0}
	for number := range 30_000 {
		one := snapshot.Imported{At: time.UnixMilli(int64(number)), Documents: uint64(number)}
		binary.BigEndian.PutUint64(one.Fingerprint[:], uint64(number))
		want.List = append(want.List, one)
	}
	for source := range 3 {
		made := snapshot.ImportSource{Name: fmt.Sprintf("source %d", source)}
		for number := range 20_000 * source { // none of the first one
			r := snapshot.ImportRange{Documents: 2, Sum: [16]byte{byte(source)}}
			binary.BigEndian.PutUint64(r.First[:], uint64(2*number))
			binary.BigEndian.PutUint64(r.Last[:], uint64(2*number+1))
			made.Ranges = append(made.Ranges, r)
		}
		want.Sources = append(want.Sources, made)
	}
	directory := t.TempDir()
	if err := importing(t, directory, func(session *snapshot.Import) error { return session.Commit(want) }); err != nil {
		t.Fatal(err)
	}
	want.Sequence = 1
	for range 2 { // a snapshot of a server has them too
		err := importing(t, directory, func(session *snapshot.Import) error {
			if have := session.Imports(); !reflect.DeepEqual(have, want) {
				t.Errorf("%d imports from %d sources are remembered, and some are others", len(have.List), len(have.Sources))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		lived(t, directory, storetest.Page(4, storetest.Noon()))
	}
}
