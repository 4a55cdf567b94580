package recovery

import (
	"fmt"
	"io"
	"time"

	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// A Snapshot is what a snapshot's file says beside its counts.
type Snapshot struct {
	Header   format.SnapshotHeader
	Manifest *format.Manifest

	path string
}

// LoadSnapshot loads a snapshot into an empty store, and its keys of batches into an empty
// window. Both are of no use when an error is returned.
func LoadSnapshot(path string, store *counters.Store, keys *idempotency.Window) (Snapshot, error) {
	sink := format.RestoreInto(store)
	sink.Marks = RestoreKeys(keys)
	return ReadSnapshot(path, store.Kinds(), sink)
}

// RestoreKeys restores the keys of batches.
func RestoreKeys(keys *idempotency.Window) format.MarkVisitor {
	return func(mark counters.Mark, at time.Duration) error {
		keys.Restore(mark, at)
		return nil
	}
}

// CheckSnapshot reads a snapshot as LoadSnapshot does, refuses the same, and forgets the
// counts.
func CheckSnapshot(path string, kinds counters.Kinds) (Snapshot, error) {
	return named(CheckSnapshotContent(path, kinds, func() {}))
}

// CheckSnapshotContent is CheckSnapshot for a file that has not its name yet. It calls
// pause from time to time.
func CheckSnapshotContent(path string, kinds counters.Kinds, pause func()) (Snapshot, error) {
	return readSnapshot(path, kinds, CheckingSink(kinds, pause))
}

// CheckingSink is a sink that refuses what a store would, and forgets the counts. It calls
// pause from time to time.
func CheckingSink(kinds counters.Kinds, pause func()) format.SnapshotSink {
	store := counters.NewStoreOf(kinds, counters.WhenDurable) // for the names
	sink := format.RestoreInto(store)
	sink.Marks = func(counters.Mark, time.Duration) error { return nil }
	sink.Counts = func(part counters.Part, benefit counters.Benefit, cells []counters.Cell) error {
		pause()
		return store.Check(part, benefit, cells)
	}
	return sink
}

// ReadManifest reads only which days a snapshot says are closed.
func ReadManifest(path string, kinds counters.Kinds) (Snapshot, error) {
	return ReadSnapshot(path, kinds, format.SnapshotSink{})
}

// ReadSnapshot reads those parts of a snapshot that the sink wants.
func ReadSnapshot(path string, kinds counters.Kinds, sink format.SnapshotSink) (Snapshot, error) {
	return named(readSnapshot(path, kinds, sink))
}

func readSnapshot(path string, kinds counters.Kinds, sink format.SnapshotSink) (Snapshot, error) {
	s := Snapshot{path: path}
	err := disk.Read(path, func(input io.Reader, size int64) (err error) {
		s.Header, s.Manifest, err = format.ReadSnapshot(input, size, kinds, sink)
		return err
	})
	return s, err
}

// named makes sure that a snapshot that was read is the one that its name says.
func named(s Snapshot, err error) (Snapshot, error) {
	if sequence := disk.SnapshotSequence(s.path); err == nil && sequence != s.Header.Sequence {
		err = fmt.Errorf("snapshot %q at offset 16: %w: sequence number %d, the name says %d; was it renamed?",
			s.path, format.ErrMalformed, s.Header.Sequence, sequence)
	}
	return s, err
}
