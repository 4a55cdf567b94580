package member_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"stats-recorder/cluster/member"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

func TestAnImportIntoOneNodeIsCountedOnceByAll(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 3)
	one, two, three := w.nodes[0], w.nodes[1], w.nodes[2]
	records := someMonths("imported", 0)
	three.stopWithImport(records)
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
	w := newWorldOf(t, 3)
	one, two := w.nodes[0], w.nodes[1]
	records := someMonths("imported", 2)
	for _, n := range []*node{one, two} {
		n.stopWithImport(records)
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
	w := newWorldOf(t, 2)
	one, two := w.nodes[0], w.nodes[1]
	first, second := someMonths("first", 0), someMonths("second", 0)
	one.stopWithImport(first)
	two.stopWithImport(second)
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
	two.imports(second)
	w.agree()
}

func TestANodeThatAdoptsAStateKnowsWhatWasImportedAndKeepsItsOwnImport(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 3)
	one, two, away := w.nodes[0], w.nodes[1], w.nodes[2]
	away.stop()
	first := someMonths("first", 0)
	one.imports(first)
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
	away.stopWithImport(second)
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
	one.stopWithImport(with(3))
	one.start()
	if err := one.becomes(); !errors.Is(err, member.ErrImportEventTypes) {
		t.Errorf("%v, want ErrImportEventTypes", err)
	}
	one.imports(with(2))
	w.agree()
	if said := w.eventTypes(); !slices.Contains(said, "imported-01") {
		t.Errorf("nodes have said %q", said)
	}
}
