package snapshot_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"path/filepath"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

// unsynced is a journal of five commits, each of one record, of which frame n
// was written when the commits up to durable[n-1] were known to be durable.
func unsynced(t *testing.T, durable ...uint64) (directory string, content []byte) {
	t.Helper()
	directory = t.TempDir()
	write(t, filepath.Join(directory, "LOCK"), nil) // a start makes it, even one that refuses
	journal, err := snapshot.NewJournal(directory, 1)
	if err != nil {
		t.Fatal(err)
	}
	store := counters.NewStore(counters.WhenAdded)
	for i, durable := range durable {
		store.Add(storetest.Batch(t, store, storetest.Page(i+1, storetest.Noon())))
		delta := store.Seal()
		if err := journal.Append(uint64(i+1), durable, store, delta); err != nil {
			t.Fatal(err)
		}
		delta.Commit()
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	return directory, read(t, newest(t, directory, "journal-"))
}

func TestAHoleInWhatWasNeverSyncedIsATornWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		durable []uint64
		damaged int // frame
		refused bool
	}{
		{[]uint64{0, 0, 0, 0, 0}, 1, false},
		{[]uint64{0, 0, 0, 0, 0}, 3, false},
		{[]uint64{0, 0, 0, 0, 0}, 5, false},
		{[]uint64{0, 1, 1, 1, 1}, 2, false},
		{[]uint64{0, 0, 0, 2, 2}, 3, false},
		{[]uint64{0, 1, 2, 3, 4}, 5, false},
		{[]uint64{0, 1, 1, 1, 1}, 1, true},
		{[]uint64{0, 0, 0, 2, 2}, 2, true},
		{[]uint64{0, 0, 0, 0, 3}, 3, true},
		{[]uint64{0, 0, 0, 0, 4}, 1, true},
		{[]uint64{0, 1, 2, 3, 4}, 4, true},
	} {
		directory, good := unsynced(t, test.durable...)
		hole := frames(good)[test.damaged-1]
		for what, content := range map[string][]byte{
			"a flipped bit": flipped(good, hole.end-1, 1),
			"zeros":         with(good, hole, make([]byte, hole.end-hole.start)),
			"half of it":    with(good, part{hole.start + 20, hole.end}, make([]byte, hole.end-hole.start-20)),
		} {
			write(t, newest(t, directory, "journal-"), content)
			if test.refused {
				expectRefusal(t, directory, format.ErrChecksum, "journal-0000000000000001")
				continue
			}
			expectTorn(t, directory, what, test.damaged-1, len(content)-hole.start)
		}
	}
}

// expectTorn requires that a start has that many commits, and reports about as
// many torn bytes: zeros at the end do not count.
func expectTorn(t *testing.T, directory, what string, commits, torn int) {
	t.Helper()
	loaded, err := snapshot.Load(directory)
	if err != nil {
		t.Errorf("%s in frame %d is refused: %v", what, commits+1, err)
		return
	}
	var batches [][]storetest.Record
	for i := range commits {
		batches = append(batches, storetest.Page(i+1, storetest.Noon()))
	}
	storetest.ModelOf(batches...).Check(t, loaded.Store)
	if loaded.Recovery.Frames != commits || loaded.Recovery.TornBytes > int64(torn) {
		t.Errorf("%s in frame %d: recovery %+v, want %d frames", what, commits+1, loaded.Recovery, commits)
	}
}

func TestOnlyTheNextFrameFollowsAFrame(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sequences, durable [3]uint64
		refused            bool
	}{
		{[3]uint64{1, 3, 4}, [3]uint64{0, 0, 0}, false},
		{[3]uint64{1, 3, 4}, [3]uint64{0, 1, 1}, false},
		{[3]uint64{1, 3, 4}, [3]uint64{0, 2, 3}, true},
		{[3]uint64{1, 1, 2}, [3]uint64{0, 0, 1}, false},
		{[3]uint64{1, 2, 2}, [3]uint64{0, 1, 1}, false},
	} {
		directory := t.TempDir()
		journal, err := snapshot.NewJournal(directory, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, sequence := range test.sequences {
			if err := journal.AppendPayload(sequence, test.durable[i], []byte{1, 2, 0, 0}); err != nil { // no names
				t.Fatal(err)
			}
		}
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
		want := 1
		for want < 3 && test.sequences[want] == uint64(want+1) {
			want++
		}
		loaded, err := snapshot.Load(directory)
		if (err != nil) != test.refused || err == nil && loaded.Recovery.Frames != want {
			t.Errorf("frames %v: %d are taken, %v, want %d", test.sequences, loaded.Recovery.Frames, err, want)
		}
	}
}

func TestAFrameWithAnotherFrameBeforeItIsNotTaken(t *testing.T) {
	t.Parallel()
	directory, good := unsynced(t, 0, 0, 0)
	replaced := slices.Clone(good)
	middle := frames(good)[1]
	binary.LittleEndian.PutUint64(replaced[middle.start+24:], 1) // what it knew to be durable
	sum := crc32.Update(crc32.Checksum(replaced[middle.start:middle.start+4], castagnoli()), castagnoli(), replaced[middle.start+8:middle.end])
	binary.LittleEndian.PutUint32(replaced[middle.start+4:], sum)
	write(t, newest(t, directory, "journal-"), replaced)
	expectTorn(t, directory, "another frame before it", 2, len(good)-middle.end)
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func TestATornTailIsCutOffAndTheJournalGoesOn(t *testing.T) {
	t.Parallel()
	directory, good := unsynced(t, 0, 0, 0, 0, 0)
	path := newest(t, directory, "journal-")
	write(t, path, flipped(good, frames(good)[2].start+40, 1))
	watch, logger := newWatch()
	options := options(directory)
	options.Logger = logger
	keeper := opened(t, options)
	watch.wait(t, "cut off")
	model := storetest.ModelOf(storetest.Page(1, storetest.Noon()), storetest.Page(2, storetest.Noon()))
	check(t, keeper, model)
	if size := len(read(t, path)); size != frames(good)[1].end {
		t.Errorf("the journal has %d bytes, want %d", size, frames(good)[1].end)
	}
	record(t, keeper, storetest.Page(7, storetest.Noon()))
	model.Add(storetest.Page(7, storetest.Noon()))
	options.Directory = crashed(t, directory)
	survivor := opened(t, options)
	check(t, survivor, model)
	closed(t, survivor)
	closed(t, keeper)
}

func TestIntactFramesOfNonsenseAreRefused(t *testing.T) {
	t.Parallel()
	name := func(first, count uint64, names ...string) []byte {
		b := binary.AppendUvarint(binary.AppendUvarint(nil, first), count)
		for _, name := range names {
			b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
		}
		return b
	}
	section := func(kind byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{kind}, uint64(len(content))), content...)
	}
	overlong := section(1, append(name(0, 1), 0x80, 0x80, 0x04, 'x'))
	for what, payload := range map[string][]byte{
		"a name longer than its section":   overlong,
		"a name longer than all":           section(1, append(name(0, 1), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)),
		"fewer names than it says":         section(1, name(0, 2, "one")),
		"more names than it says":          section(1, name(0, 1, "one", "two")),
		"a name with a number too high":    section(1, name(5, 1, "one")),
		"one name twice":                   section(1, name(0, 2, "one", "one")),
		"too many event types":             section(2, name(0, 64, manyNames(64)...)),
		"a section longer than the frame":  append([]byte{1}, 0xff, 0xff, 0x03),
		"an unknown section":               section(9, []byte("future")),
		"counts of an unknown benefit":     section(3, []byte{1, 1, 7, 0, 1, 0}),
		"counts of an unknown event":       append(section(1, name(0, 1, "one")), section(3, []byte{1, 5 | 128, 0, 1, 0})...),
		"a count of nothing":               append(section(1, name(0, 1, "one")), append(section(2, name(0, 1, "show")), section(3, []byte{1, 1 | 128, 0, 1, 1, 0})...)...),
		"a span without an hour":           section(3, nil),
		"an hour after the end of time":    section(3, binary.AppendUvarint(nil, 1<<40)),
		"a run that ends before its place": section(3, []byte{1, 1, 0, 0, 200}),
	} {
		directory := t.TempDir()
		journal, err := snapshot.NewJournal(directory, 1)
		if err == nil {
			err = errors.Join(journal.AppendPayload(1, 0, payload), journal.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		before := files(t, directory)
		loaded, err := snapshot.Load(directory)
		if !isOneOf(err, format.ErrMalformed, format.ErrVersion) {
			t.Errorf("%s: %v, want ErrMalformed or ErrVersion; loaded %+v", what, err, loaded.Recovery)
		}
		expectUntouched(t, directory, before)
	}
}

func manyNames(count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = string(rune('0' + i))
	}
	return all
}

func TestFilesWithOverlongNamesAreNoJournals(t *testing.T) {
	t.Parallel()
	j := newJournals(t, 2, 1<<20)
	name, good := j.only(t)
	for _, other := range []string{name + "0", "journal-00000000000000000003", name + ".old", "journal-3"} {
		write(t, filepath.Join(j.directory, other), flipped(good, 100, 1))
	}
	keeper := opened(t, options(j.directory))
	check(t, keeper, j.complete())
	closed(t, keeper)
}
