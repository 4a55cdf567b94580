package member_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/clustertest"
	"stats-recorder/cluster/member"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/snapshot"
)

// TestAnImportIsCountedOnceWhereverTheProcessEnds has appends fail and nodes end at random
// moments between that the import waits and that all have it.
func TestAnImportIsCountedOnceWhereverTheProcessEnds(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 2)
	random := storetest.Random(t)
	one, two := w.nodes[0], w.nodes[1]
	records := someMonths("imported", 4)
	one.stopWithImport(records)
	w.counts(records)
	w.broker.SetFaults(clustertest.Faults{Lost: 0.1, Unanswered: 0.2, Delayed: 0.1, Doubled: 0.1}, rand.New(rand.NewPCG(random.Uint64(), 0)))
	for ends, waits := 0, true; waits && ends < 40; ends++ {
		one.start()
		one.page(2)
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond) // any moment will do
		waits = one.waits()
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

// The disk of the node that announced an import is gone, and all but one of its frames with it.
func TestAnImportThatIsNotWholeIsEndedByTheSameOneOnAnyNode(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 2)
	one := w.nodes[0]
	records := someMonths("imported", 3)
	w.tellInPart(one, w.nodes[1], records)
	one.stop()
	if err := one.importInto(someMonths("another", 0)); !errors.Is(err, snapshot.ErrAnother) {
		t.Errorf("another import: %v, want ErrAnother", err)
	}
	one.imports(records)
	w.add()
	w.agree()
}

func TestANodeWhoseImportTheFullLogDoesNotTakeWorksAsWithoutIt(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 2)
	one := w.nodes[0]
	records := someMonths("imported", 0)
	one.stopWithImport(records)
	w.broker.SetLimit(1)
	one.start()
	harnesstest.Until(t, "the node is ready", func() bool { return one.member.Ready() == nil })
	one.page(4)
	if !one.waits() {
		t.Error("the import waits no more")
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
	w := newWorldOf(t, 1)
	one := w.nodes[0]
	one.shared()
	records := someMonths("imported", 0)
	one.stopWithImport(records)
	w.counts(records)
	one.setAway(errors.New("no server answers"))
	one.start()
	one.announcesWaiting()
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
	if _, last, err := w.broker.Open().Bounds(t.Context()); err != nil || last.Sequence < 3 { // some may be trimmed
		t.Errorf("the log has had %d frames, %v", last.Sequence, err)
	}
}

// The files of a directory were removed, but for that in which an import waits.
func TestAnImportThatWaitsForAnotherLogIsGivenUp(t *testing.T) {
	t.Parallel()
	w, anotherWorld := newWorldOf(t, 1), newWorldOf(t, 1)
	one, another := w.nodes[0], anotherWorld.nodes[0]
	one.imports(someMonths("first", 0))
	one.stopWithImport(someMonths("second", 0))
	another.stop()
	const name = "importing"
	if err := os.Rename(filepath.Join(one.keeping.Directory, name), filepath.Join(another.keeping.Directory, name)); err != nil {
		t.Fatal(err)
	}
	another.start()
	if err := another.becomes(); !errors.Is(err, member.ErrImportStray) {
		t.Errorf("%v, want ErrImportStray", err)
	}
	another.imports(someMonths("third", 0))
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
			w := newWorldOf(t, 1)
			one := w.nodes[0]
			one.stopWithImport(records)
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
			if !one.waits() {
				t.Error("it waits no more, before anybody is told")
			}
			one.setAway(nil)
			if err := one.becomes(); !errors.Is(err, snapshot.ErrImportDamaged) {
				t.Errorf("%v, want ErrImportDamaged", err)
			}
			one.page(3)
			w.agree()
			one.imports(records)
			w.agree()
		})
	}
}

// onSync is an Observer that is told when a journal was synced.
type onSync func()

func (o onSync) Synced(time.Duration)               { o() }
func (onSync) Committed(int)                        {}
func (onSync) Refused()                             {}
func (onSync) SnapshotWritten(time.Duration, int64) {}
func (onSync) SnapshotFailed(time.Duration)         {}
func (onSync) DaysDamaged(int)                      {}

// A loss of power costs what is not synced yet. The first sync that ends after the import is
// counted finds it waiting still.
func TestAnImportWaitsUntilASyncHasWhatSaysThatItIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 1)
	one := w.nodes[0]
	one.stop()
	one.keeping.Durability = snapshot.EverySecond
	var found struct {
		sync.Mutex
		syncs, waiting int
	}
	one.keeping.Observer = onSync(func() {
		found.Lock()
		defer found.Unlock()
		known := one.keeper.Membership()
		if len(known.Imports) == 0 || !known.IsWhole(known.Imports[0]) || found.syncs > 0 {
			return
		}
		found.syncs++
		if one.waits() {
			found.waiting++
		}
	})
	one.imports(someMonths("imported", 1))
	harnesstest.Until(t, "the import waits no more", func() bool { return !one.waits() })
	found.Lock()
	defer found.Unlock()
	if found.syncs != 1 || found.waiting != 1 {
		t.Errorf("at %d of %d syncs after it was counted the import waits", found.waiting, found.syncs)
	}
}

// lose has the log lose all frames of an origin.
func (w *world) lose(origin cluster.Origin) {
	w.t.Helper()
	session := w.broker.Open()
	first, last, err := session.Bounds(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	first.Sequence--
	enough := errors.New("read all")
	err = session.Read(w.t.Context(), first, func(at cluster.Position, frame cluster.Frame) error {
		if frame.Origin == origin {
			w.broker.Lose(at.Sequence)
		}
		if at.Sequence >= last.Sequence {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		w.t.Fatal(err)
	}
}

// nothingShared is Shared that takes nothing.
type nothingShared struct{ cluster.Shared }

func (nothingShared) Put(context.Context, cluster.Origin, *cluster.Covered, io.Reader) error {
	return errors.New("no server answers")
}

// The number of the announcement is another import's then. All nodes know both.
func TestAnImportWhoseAnnouncementTheLogLostIsAnnouncedAnew(t *testing.T) {
	t.Parallel()
	for name, isAway := range map[string]bool{"while its node runs": false, "while its node is away": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			shareNothing := func(n *node) {
				n.shares = func(shared cluster.Shared) cluster.Shared { return nothingShared{shared} }
			}
			one, two := w.add(shareNothing), w.add(shareNothing)
			one.page(3)
			w.agree()
			two.stop()
			first, second := someMonths("first", 0), someMonths("second", 0)
			one.imports(first)
			if err := one.member.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if isAway {
				one.stop()
			}
			w.lose(cluster.ImportsOrigin)
			two.start()
			w.agree()
			two.imports(second)
			if isAway {
				one.start()
			}
			harnesstest.Until(t, "both nodes know both imports", func() bool {
				return len(one.keeper.Membership().Imports) == 2 && len(two.keeper.Membership().Imports) == 2
			})
			one.page(4)
			w.add(shareNothing)
			w.agree()
			for _, n := range w.nodes {
				n.stop()
				for _, records := range [][]storetest.Record{first, second} {
					if err := n.importInto(records); !errors.Is(err, snapshot.ErrToldBefore) {
						t.Errorf("again: %v, want ErrToldBefore", err)
					}
				}
			}
		})
	}
}
