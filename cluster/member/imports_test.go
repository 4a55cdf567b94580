package member_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
	"stats-recorder/cluster/member"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/snapshot"
)

// importInto has records wait in the directory of a node, which does not run.
func (n *node) importInto(records []storetest.Record) error {
	n.world.t.Helper()
	return n.importRemembering(records, memoryOf(records))
}

// importRemembering is importInto with what is to be remembered of it.
func (n *node) importRemembering(records []storetest.Record, memory snapshot.Imports) error {
	n.world.t.Helper()
	session, err := snapshot.OpenImport(n.keeping)
	if err != nil {
		return err
	}
	if !session.IsTold() {
		n.world.t.Error("the import is not told to others")
	}
	err = session.Add(func(store *counters.Store) error {
		for _, record := range records {
			benefit, key := storetest.Number(n.world.t, store, record)
			if err := session.Count(record.Hour, benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = session.Tell(memory)
	}
	return errors.Join(err, session.Close())
}

// memoryOf is what is to be remembered of some records.
func memoryOf(records []storetest.Record) snapshot.Imports {
	one := snapshot.Imported{At: noon(), Documents: uint64(len(records))}
	copy(one.Fingerprint[:], records[0].Benefit)
	return snapshot.Imports{List: []snapshot.Imported{one}}
}

// counts says that records must be counted from now on.
func (w *world) counts(records []storetest.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model.Add(records)
}

// someMonths are records of benefits of their own, over some months, in frames of at least
// some megabytes.
func someMonths(name string, megabytes int) (records []storetest.Record) {
	const longest = 2000
	for i := range megabytes<<20/longest + 20 {
		benefit := fmt.Sprintf("%s-%d-", name, i)
		benefit += strings.Repeat("x", longest-len(benefit))
		if megabytes == 0 {
			benefit = fmt.Sprintf("%s-%d", name, i%5)
		}
		records = append(records, storetest.Shown(benefit, 3, uint16(i%3), storetest.Noon()-counters.Hour(i%4*30*24)))
	}
	return records
}

// becomes waits until it is known what becomes of the import that waits.
func (n *node) becomes() error {
	n.world.t.Helper()
	select {
	case err := <-n.member.Imported():
		return err
	case <-time.After(20 * time.Second):
		n.world.t.Fatalf("nothing becomes of the import: %+v", n.member.Status())
		return nil
	}
}

func TestAnImportIntoOneNodeIsCountedOnceByAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, three := w.add(), w.add(), w.add()
	one.page(3)
	two.page(4)
	w.agree()
	three.stop()
	records := someMonths("imported", 0)
	if err := three.importInto(records); err != nil {
		t.Fatal(err)
	}
	one.page(5)
	w.counts(records)
	three.start()
	if err := three.becomes(); err != nil {
		t.Fatal(err)
	}
	two.page(6)
	w.agree()
	late := w.add()
	w.agree()
	for _, n := range []*node{one, two, three, late} {
		if known := n.keeper.Membership(); len(known.Imports) != 1 || len(known.Unfinished()) != 0 {
			t.Errorf("it knows of %d imports, %d of them unfinished", len(known.Imports), len(known.Unfinished()))
		}
	}
	three.stop()
	if _, err := snapshot.Undo(three.keeping); !errors.Is(err, snapshot.ErrTold) {
		t.Errorf("undo: %v, want ErrTold", err)
	}
	if _, err := snapshot.RehearseUndo(three.keeping); !errors.Is(err, snapshot.ErrTold) {
		t.Errorf("undo: %v, want ErrTold", err)
	}
	one.stop()
	if err := one.importInto(records); !errors.Is(err, snapshot.ErrToldBefore) {
		t.Errorf("again: %v, want ErrToldBefore", err)
	}
}

// TestAnImportIsCountedOnceWhereverTheProcessEnds has appends fail and nodes end at random
// moments between that the import waits and that all have it.
func TestAnImportIsCountedOnceWhereverTheProcessEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	random := storetest.Random(t)
	one, two := w.add(), w.add()
	one.page(3)
	w.agree()
	one.stop()
	records := someMonths("imported", 4)
	if err := one.importInto(records); err != nil {
		t.Fatal(err)
	}
	w.counts(records)
	w.broker.SetFaults(clustertest.Faults{Lost: 0.1, Unanswered: 0.2, Delayed: 0.1, Doubled: 0.1}, rand.New(rand.NewPCG(random.Uint64(), 0)))
	for ends, waits := 0, true; waits && ends < 40; ends++ {
		one.start()
		one.page(2)
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond) // any moment will do
		var err error
		if waits, err = one.keeper.Waits(); err != nil {
			t.Fatal(err)
		}
		one.kill()
	}
	w.broker.SetFaults(clustertest.Faults{}, random)
	one.start()
	w.agree()
	if covered := two.keeper.Membership(); len(covered.Imports) != 1 || covered.Imports[0].Frames < 5 || !covered.IsWhole(covered.Imports[0]) {
		t.Errorf("%d imports", len(covered.Imports))
	}
	frames := map[cluster.FrameNumber]bool{}
	for _, frame := range w.broker.Frames() {
		frames[cluster.FrameNumber{Origin: frame.Origin, Sequence: frame.Sequence}] = true
	}
	t.Logf("%d frames in the log, %d of them different", len(w.broker.Frames()), len(frames))
}

// Each import was of many files, all of which are to be remembered.
func TestImportsOfManyFilesAreRememberedByAllAcrossStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.add(), w.add()
	const imports, files = 3, 30_000
	for i := range imports {
		one.stop()
		records := someMonths(fmt.Sprintf("imported-%d", i), 0)
		memory := memoryOf(records)
		for range files {
			memory.List = append(memory.List, memory.List[0])
		}
		if err := one.importRemembering(records, memory); err != nil {
			t.Fatal(err)
		}
		w.counts(records)
		one.start()
		if err := one.becomes(); err != nil {
			t.Fatal(err)
		}
	}
	w.agree()
	two.stop()
	two.start()
	w.agree()
	one.shared()
	w.add()
	w.agree()
	for i, n := range w.nodes {
		if have := len(n.keeper.Membership().Imports); have != imports {
			t.Errorf("node %d remembers %d imports, want %d", i+1, have, imports)
		}
	}
}

func TestTheSameImportIntoTwoNodesAtTheSameTimeIsCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, three := w.add(), w.add(), w.add()
	three.page(3)
	w.agree()
	records := someMonths("imported", 2)
	for _, n := range []*node{one, two} {
		n.stop()
		if err := n.importInto(records); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(records) // the order does not matter
	}
	w.counts(records)
	one.start()
	two.start()
	for _, n := range []*node{one, two} {
		if err := n.becomes(); err != nil {
			t.Errorf("%v", err)
		}
	}
	w.agree()
}

func TestOfTwoImportsAtTheSameTimeTheSecondIsGivenUpAndCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.add(), w.add()
	one.page(3)
	w.agree()
	one.stop()
	two.stop()
	first, second := someMonths("first", 0), someMonths("second", 0)
	if err := errors.Join(one.importInto(first), two.importInto(second)); err != nil {
		t.Fatal(err)
	}
	w.counts(first)
	one.start()
	if err := one.becomes(); err != nil {
		t.Fatal(err)
	}
	two.start()
	if err := two.becomes(); !errors.Is(err, member.ErrImportOvertaken) {
		t.Fatalf("%v, want ErrImportOvertaken", err)
	}
	w.agree()
	two.stop()
	if err := two.importInto(second); err != nil {
		t.Fatal(err)
	}
	w.counts(second)
	two.start()
	if err := two.becomes(); err != nil {
		t.Fatal(err)
	}
	w.agree()
}

// The disk of the node that announced an import is gone, and all but one of its frames with it.
func TestAnImportThatIsNotWholeIsEndedByTheSameOneOnAnyNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, lost := w.add(), w.add()
	one.page(3)
	w.agree()
	lost.stop()
	records := someMonths("imported", 3)
	if err := lost.importInto(records); err != nil {
		t.Fatal(err)
	}
	lost.setAway(errors.New("no server answers"))
	lost.start()
	announcement, counting, err := lost.keeper.Waiting()
	if err != nil || len(counting) < 3 {
		t.Fatalf("%d frames wait, %v", len(counting), err)
	}
	lost.stop()
	w.nodes = w.nodes[:1]
	session := w.broker.Open()
	for _, frame := range []cluster.Frame{announcement, counting[1]} {
		if _, err := session.Append(t.Context(), frame); err != nil {
			t.Fatal(err)
		}
	}
	harnesstest.Until(t, "the node has what is there of the import", func() bool {
		return one.covered().Contains(counting[1].Origin, counting[1].Sequence)
	})
	one.stop()
	if err := one.importInto(someMonths("another", 0)); !errors.Is(err, snapshot.ErrAnother) {
		t.Errorf("another import: %v, want ErrAnother", err)
	}
	if err := one.importInto(records); err != nil {
		t.Fatal(err)
	}
	w.counts(records)
	one.start()
	if err := one.becomes(); err != nil {
		t.Fatal(err)
	}
	w.add()
	w.agree()
}

func TestANodeThatAdoptsAStateKnowsWhatWasImportedAndKeepsItsOwnImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, away := w.add(), w.add(), w.add()
	one.page(3)
	w.agree()
	away.stop()
	one.stop()
	first := someMonths("first", 0)
	if err := one.importInto(first); err != nil {
		t.Fatal(err)
	}
	w.counts(first)
	one.start()
	w.nodes = w.nodes[:2]
	for range 10 {
		two.page(4)
	}
	w.agree()
	w.trimmed()
	away.start()
	w.nodes = append(w.nodes, away)
	w.agree()
	away.stop()
	if err := away.importInto(first); !errors.Is(err, snapshot.ErrToldBefore) {
		t.Errorf("%v, want ErrToldBefore", err)
	}
	second := someMonths("second", 0)
	if err := away.importInto(second); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Leave(away.keeping); !errors.Is(err, snapshot.ErrImportWaits) {
		t.Errorf("leave: %v, want ErrImportWaits", err)
	}
	w.counts(second)
	away.start()
	w.agree()
	away.stop()
	if _, err := snapshot.Leave(away.keeping); err != nil {
		t.Fatal(err)
	}
	session, err := snapshot.OpenImport(away.keeping)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if have := len(session.Imports().List); have != 2 || session.IsTold() {
		t.Errorf("it remembers %d imports, want 2", have)
	}
}

func TestANodeWhoseImportTheFullLogDoesNotTakeWorksAsWithoutIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.add(), w.add()
	two.page(3)
	w.agree()
	one.stop()
	records := someMonths("imported", 0)
	if err := one.importInto(records); err != nil {
		t.Fatal(err)
	}
	w.broker.SetLimit(1)
	one.start()
	harnesstest.Until(t, "the node is ready", func() bool { return one.member.Ready() == nil })
	one.page(4)
	if waits, err := one.keeper.Waits(); !waits || err != nil {
		t.Errorf("the import waits is %v, %v", waits, err)
	}
	w.broker.SetLimit(0)
	w.counts(records)
	if err := one.becomes(); err != nil {
		t.Error(err)
	}
	w.agree()
}

func TestAnImportIsNotToldBeforeTheLogHasAllOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add()
	one.page(3)
	w.agree()
	one.shared()
	one.stop()
	records := someMonths("imported", 0)
	if err := one.importInto(records); err != nil {
		t.Fatal(err)
	}
	w.counts(records)
	one.setAway(errors.New("no server answers"))
	one.start()
	announcement, _, err := one.keeper.Waiting()
	if err == nil {
		_, err = w.broker.Open().Append(t.Context(), announcement)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.broker.SetLimit(1) // for the frames that follow
	one.setAway(nil)
	if err := one.becomes(); err != nil {
		t.Fatal(err)
	}
	w.agree()
	full, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := one.member.Flush(full); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the log is full, and all is told: %v", err)
	}
	w.broker.SetLimit(0)
	if err := one.member.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have := len(w.broker.Frames()); have < 3 {
		t.Errorf("the log has %d frames", have)
	}
}

// The files of a directory were removed, but for that in which an import waits.
func TestAnImportThatWaitsForAnotherLogIsGivenUp(t *testing.T) {
	t.Parallel()
	w, anotherWorld := newWorld(t), newWorld(t)
	one, another := w.add(), anotherWorld.add()
	one.stop()
	if err := one.importInto(someMonths("first", 0)); err != nil {
		t.Fatal(err)
	}
	one.start()
	if err := one.becomes(); err != nil {
		t.Fatal(err)
	}
	one.stop()
	another.stop()
	if err := one.importInto(someMonths("second", 0)); err != nil {
		t.Fatal(err)
	}
	const name = "importing"
	if err := os.Rename(filepath.Join(one.keeping.Directory, name), filepath.Join(another.keeping.Directory, name)); err != nil {
		t.Fatal(err)
	}
	another.start()
	if err := another.becomes(); !errors.Is(err, member.ErrImportStray) {
		t.Errorf("%v, want ErrImportStray", err)
	}
	another.stop()
	records := someMonths("third", 0)
	if err := another.importInto(records); err != nil {
		t.Fatal(err)
	}
	anotherWorld.counts(records)
	another.start()
	anotherWorld.agree()
}

func TestAnImportThatIsDamagedWhileItWaitsIsPutAsideAndCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	records := someMonths("imported", 0)
	for name, damage := range map[string]func([]byte) []byte{
		"cut off":            func(b []byte) []byte { return b[:len(b)-1] },
		"changed":            func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut between frames": func(b []byte) []byte { return b[:4+binary.LittleEndian.Uint32(b)] },
		"empty":              func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one := w.add()
			one.stop()
			if err := one.importInto(records); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(one.keeping.Directory, "importing")
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, damage(content), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			one.setAway(errors.New("no server answers"))
			one.start()
			if _, _, err := one.keeper.Waiting(); !errors.Is(err, snapshot.ErrImportDamaged) {
				t.Errorf("%v, want ErrImportDamaged", err)
			}
			if waits, err := one.keeper.Waits(); !waits || err != nil {
				t.Errorf("it waits is %v, %v, before anybody is told that it does not", waits, err)
			}
			one.setAway(nil)
			if err := one.becomes(); !errors.Is(err, snapshot.ErrImportDamaged) {
				t.Errorf("%v, want ErrImportDamaged", err)
			}
			one.page(3)
			w.agree()
			one.stop()
			if err := one.importInto(records); err != nil {
				t.Fatal(err)
			}
			w.counts(records)
			one.start()
			w.agree()
		})
	}
}

func TestAnImportWithMoreEventTypesThanAllHaveRoomForIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add(func(n *node) { n.options.BuiltIn = []string{"show"} })
	for i := range counters.MaxEventTypes - 4 {
		if err := w.addEventTypes(t.Context(), []string{fmt.Sprintf("type-%02d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	with := func(events int) (records []storetest.Record) {
		for i := range events {
			record := storetest.Shown(fmt.Sprintf("of %d events", events), 3, 2, storetest.Noon())
			record.Event = fmt.Sprintf("imported-%02d", i)
			records = append(records, record)
		}
		return records
	}
	one.stop()
	if err := one.importInto(with(3)); err != nil {
		t.Fatal(err)
	}
	one.start()
	if err := one.becomes(); !errors.Is(err, member.ErrImportEventTypes) {
		t.Errorf("%v, want ErrImportEventTypes", err)
	}
	one.stop()
	records := with(2)
	if err := one.importInto(records); err != nil {
		t.Fatal(err)
	}
	w.counts(records)
	one.start()
	if err := one.becomes(); err != nil {
		t.Fatal(err)
	}
	w.agree()
	if said := w.eventTypes(); !slices.Contains(said, "imported-01") {
		t.Errorf("nodes have said %q", said)
	}
}
