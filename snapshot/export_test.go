package snapshot

import (
	"io"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
	"time"
)

// All that the tests need of the inside of this package, in one place.

// Loaded is the state that a directory holds.
type Loaded struct {
	Store    *counters.Store
	History  *History
	Recovery Recovery
}

// Load finds what Open would find, and changes nothing.
func Load(directory string, kinds ...counters.KindRule) (Loaded, error) {
	all, err := counters.BuiltInKinds().With(kinds...)
	if err != nil {
		return Loaded{}, err
	}
	found, err := recovery.Find(directory, func() *counters.Store { return counters.NewStoreOf(all, counters.WhenDurable) })
	if err != nil {
		return Loaded{}, err
	}
	return Loaded{found.Store, newHistory(readOptions(directory), found.Store, found.Loaded.Manifest), found.Summary}, nil
}

// TellAtMost lets an import tell of so many counters.
func (i *Import) TellAtMost(counters int) { i.told.most, i.told.room = counters, 0 }

// Journal appends frames as a keeper does, but with any numbers.
type Journal struct {
	file             *journalFile
	benefits, events int
}

// NewJournal begins the file for the frames from sequence on.
func NewJournal(directory string, sequence uint64) (*Journal, error) {
	file, err := createJournal(directory, sequence, format.Identity{1})
	return &Journal{file: file}, err
}

// NewJournalAhead begins a file as it is when it was made before all before it was
// durable.
func NewJournalAhead(directory string, sequence uint64) (*Journal, error) {
	file, err := makeSpare(disk.TemporaryPath(disk.JournalPath(directory, sequence)), format.Identity{1})
	if err == nil {
		err = file.rename(disk.JournalPath(directory, sequence))
	}
	return &Journal{file: file}, err
}

// Append writes a delta of the store as a frame.
func (j *Journal) Append(sequence, durable uint64, store *counters.Store, delta *counters.Delta) error {
	err := j.file.write(sequence, durable, func(b []byte) []byte {
		return EncodeFrame(b, store, delta, j.benefits, j.events)
	})
	j.benefits, j.events = delta.Benefits, delta.Events
	return err
}

// Know says that files before this one define the names of a store.
func (j *Journal) Know(store *counters.Store, known bool) {
	if known {
		j.benefits, j.events = store.Benefits.Len(), store.Events.Len()
	}
}

// AppendPayload writes a frame with any payload.
func (j *Journal) AppendPayload(sequence, durable uint64, payload []byte) error {
	return j.file.write(sequence, durable, func(b []byte) []byte { return append(b, payload...) })
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.close() }

// EncodeFrame appends the payload of a frame to b.
func EncodeFrame(b []byte, store *counters.Store, delta *counters.Delta, knownBenefits, knownEvents int) []byte {
	return format.AppendPayload(b, delta, store.Benefits.Names()[:delta.Benefits], store.Events.Names()[:delta.Events], knownBenefits, store.Events.Names()[:knownEvents])
}

// DecodeFrame adds the payload of a frame to a store.
func DecodeFrame(payload []byte, store *counters.Store) error {
	return format.ReadPayload(payload, format.ReplayInto(store, new(*cluster.Membership)))
}

// SaveSnapshot writes the base of a store, whose days are all open, to a file.
func SaveSnapshot(path string, store *counters.Store) error {
	frozen := store.Freeze()
	defer frozen.Thaw()
	content := format.Snapshot{
		Header:   format.SnapshotHeader{Sequence: disk.SnapshotSequence(path), Journaled: true, Written: time.UnixMilli(0)},
		Manifest: &format.Manifest{}, Benefits: store.Benefits.Names(), Events: store.Events.Names(),
	}
	_, err := disk.Save(path, "snapshot", func(output io.Writer) error {
		return content.Write(output, frozen.Parts(), frozen.Cells)
	}, func(string) error { return nil })
	return err
}

// DecodeSnapshot loads a snapshot into an empty store.
func DecodeSnapshot(path string, store *counters.Store) error {
	_, err := recovery.LoadSnapshot(path, store, idempotency.NewWindow())
	return err
}

// GroupWait is what decides how many batches a commit waits for, without its timer.
type GroupWait struct{ wait *groupWait }

// NewGroupWait begins to decide for a store.
func NewGroupWait(store *counters.Store) GroupWait { return GroupWait{newGroupWait(store)} }

// Committed says that there was a commit, after which so many batches are expected.
func (w GroupWait) Committed(expected int) { w.wait.begin(expected) }

// RunOut says that the time is over which the timer was set to.
func (w GroupWait) RunOut() { w.wait.advance() }

// BreakRunway has a part of the runway of the journal be laid that could not be
// synced. Nothing may be recorded meanwhile.
func (k *Keeper) BreakRunway(err error) {
	<-k.Beat()
	laying := make(chan layOutcome, 1)
	laying <- layOutcome{broken: err}
	k.committer.journal.file.runway.laying = laying
}

// Judge is what decides what readings may cause, without a clock. Its processes follow
// one another by Restart.
type Judge struct {
	judge     *judge
	retention time.Duration
}

// NewJudge is the judge of the first process on a directory that has counts of some days.
func NewJudge(reading time.Time, days []counters.Day, retention time.Duration) *Judge {
	j := &Judge{newJudge(reading, inheritance{days: days, retention: retention}), retention}
	j.judge.hear(reading, 0, longestStop)
	return j
}

// Restart is a process that begins with a reading, after one that has run so long.
func (j *Judge) Restart(lived time.Duration, reading time.Time, retention time.Duration) {
	j.judge, j.retention = recallJudge(j.judge.remember(lived, j.retention)), retention
	j.judge.hear(reading, 0, longestStop)
}

// Hear takes a reading.
func (j *Judge) Hear(reading time.Time, lived time.Duration) {
	j.judge.hear(reading, lived, strayLimit)
}

// Confirm takes the word of a person for a reading.
func (j *Judge) Confirm(reading time.Time, lived time.Duration) { j.judge.confirm(reading, lived) }

// Doubted says whether the last reading is.
func (j *Judge) Doubted() bool { return j.judge.doubted }

// Rule is what a reading hides and deletes.
func (j *Judge) Rule(reading time.Time, lived time.Duration) (hideBefore, expireBefore counters.Day) {
	return j.judge.hideBefore(reading, lived, j.retention), j.judge.expireBefore(reading, lived, j.retention)
}

// LeaveRoomFor has an import close days when it has so many more counters in memory.
func (i *Import) LeaveRoomFor(counters int) { i.room = i.keeper.store.Counters() + counters }
