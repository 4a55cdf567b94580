package member_test

import (
	"errors"
	"testing"

	"stats-recorder/cluster/clustertest"
	"stats-recorder/cluster/member"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/correction"
)

func TestADirectoryThatLeftIsCorrectedAndBeginsAnotherLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.add(), w.add()
	one.page(3)
	two.page(4)
	w.agree()
	one.stop()
	two.stop()
	known, err := snapshot.Leave(one.keeping)
	if err != nil || known == nil {
		t.Fatalf("leave: %v", err)
	}
	if _, err := snapshot.Leave(one.keeping); !errors.Is(err, snapshot.ErrNoCluster) {
		t.Errorf("%v, want ErrNoCluster", err)
	}
	if err := one.tryStart(); !errors.Is(err, member.ErrStranger) {
		t.Errorf("it joins the log that it left: %v", err)
	}

	what, err := correction.Drop("benefit-0", 0, counters.MaxDay+1)
	if err != nil {
		t.Fatal(err)
	}
	corrected, err := snapshot.Correct(one.keeping, what)
	if err != nil || corrected.Before != 7 || corrected.After != 5 {
		t.Fatalf("%+v, %v", corrected, err)
	}
	w.broker = clustertest.NewBroker(0) // a log of another name
	one.start()
	two.keeping.Directory = t.TempDir()
	two.start()
	harnesstest.Until(t, "the other node has the counts as they were corrected", func() bool {
		two.supervise()
		return storetest.Events(two.keeper.Store()) == 5
	})
}

// Of an import one frame is counted, and the disk of the node that has made the others is gone.
func TestADirectoryWithAPartOfAnImportDoesNotLeaveBeforeItIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 2)
	one := w.nodes[0]
	records := someMonths("imported", 3)
	w.tellInPart(one, w.nodes[1], records)
	one.stop()
	if _, err := snapshot.Leave(one.keeping); !errors.Is(err, snapshot.ErrImportInPart) {
		t.Errorf("%v, want ErrImportInPart", err)
	}
	w.broker.Recreate() // the log is gone for good
	epoch := w.broker.Open()
	_, last, err := epoch.Bounds(t.Context())
	if err == nil {
		err = member.AdoptLog(t.Context(), one.keeping, last.Epoch)
	}
	if err != nil {
		t.Fatal(err)
	}
	one.imports(records)
	w.agree()
	one.stop()
	if _, err := snapshot.Leave(one.keeping); err != nil {
		t.Error(err)
	}
}

// Nothing of the import is counted, so it is imported into the directory alone.
func TestADirectoryThatLeavesRemembersNoImportOfWhichItHasNothing(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 2)
	one, lost := w.nodes[0], w.nodes[1]
	lost.stopWithImport(someMonths("imported", 0))
	lost.setAway(errors.New("no server answers"))
	lost.start()
	lost.announcesWaiting()
	harnesstest.Until(t, "the node knows of the import", func() bool { return len(one.keeper.Membership().Unfinished()) == 1 })
	one.stop()
	if _, err := snapshot.Leave(one.keeping); err != nil {
		t.Fatal(err)
	}
	session, err := snapshot.OpenImport(one.keeping)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if have := len(session.Imports().List); have != 0 || session.IsTold() {
		t.Errorf("it remembers %d imports, want none", have)
	}
}
