package member_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/cluster"
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

// waits says whether an import waits in the node's directory.
func (n *node) waits() bool {
	n.world.t.Helper()
	since, err := n.keeper.WaitingSince()
	if err != nil {
		n.world.t.Fatal(err)
	}
	return !since.IsZero()
}

// newWorldOf makes a world of nodes that have counted some records.
func newWorldOf(t *testing.T, count int) *world {
	t.Helper()
	w := newWorld(t)
	for range count {
		w.add()
	}
	w.nodes[0].page(3)
	w.agree()
	return w
}

// announcesWaiting has the log take the announcement of the import that waits, and no frame
// of it.
func (n *node) announcesWaiting() {
	n.world.t.Helper()
	announcement, _, err := n.keeper.Waiting()
	if err == nil {
		_, err = n.world.broker.Open().Append(n.world.t.Context(), announcement)
	}
	if err != nil {
		n.world.t.Fatal(err)
	}
}

// stopWithImport ends a node, if it runs, and has an import wait in its directory.
func (n *node) stopWithImport(records []storetest.Record) {
	n.world.t.Helper()
	n.stop()
	if err := n.importInto(records); err != nil {
		n.world.t.Fatal(err)
	}
}

// imports starts a node again with an import, which must be counted from then on.
func (n *node) imports(records []storetest.Record) {
	n.world.t.Helper()
	n.stopWithImport(records)
	n.world.counts(records)
	n.start()
	if err := n.becomes(); err != nil {
		n.world.t.Fatal(err)
	}
}

// tellInPart has a node merge the announcement of an import and one of its frames. The disk of
// the node that has made them is gone then.
func (w *world) tellInPart(to, lost *node, records []storetest.Record) {
	w.t.Helper()
	lost.stopWithImport(records)
	lost.setAway(errors.New("no server answers"))
	lost.start()
	announcement, counting, err := lost.keeper.Waiting()
	if err != nil || len(counting) < 3 {
		w.t.Fatalf("%d frames wait, %v", len(counting), err)
	}
	lost.stop()
	w.nodes = slices.DeleteFunc(w.nodes, func(n *node) bool { return n == lost })
	session := w.broker.Open()
	for _, frame := range []cluster.Frame{announcement, counting[1]} {
		if _, err := session.Append(w.t.Context(), frame); err != nil {
			w.t.Fatal(err)
		}
	}
	harnesstest.Until(w.t, "the node has what is there of the import", func() bool {
		return to.covered().Contains(counting[1].Origin, counting[1].Sequence)
	})
}
