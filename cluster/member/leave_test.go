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
