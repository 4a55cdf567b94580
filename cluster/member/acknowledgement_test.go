package member_test

import (
	"errors"
	"testing"

	"stats-recorder/cluster/member"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
)

func TestARecordIsAcknowledgedByTheLogOnceItIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add()
	if err := one.tryRecord(member.ByLog, storetest.Page(3, storetest.Noon())); err != nil {
		t.Fatal(err)
	}
	if frames := len(w.broker.Frames()); frames != 1 {
		t.Errorf("%d frames, want 1", frames)
	}
	one.world.mu.Lock()
	session := one.session
	one.world.mu.Unlock()
	session.Hold()
	acknowledged := make(chan error, 1)
	go func() { acknowledged <- one.tryRecord(member.ByLog, storetest.Page(4, storetest.Noon())) }()
	harnesstest.Until(t, "the record is durable here", func() bool { return storetest.Events(one.keeper.Store()) == 7 })
	select {
	case err := <-acknowledged:
		t.Errorf("acknowledged, %v, before the log answered", err)
	default:
	}
	session.Release()
	if err := <-acknowledged; err != nil {
		t.Error(err)
	}
}

func TestRecordsAreRefusedThatTheLogMustHaveWhileItWasNeverReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add(func(n *node) { n.setAway(errors.New("no server answers")) })
	if err := one.tryRecord(member.ByLog, storetest.Page(3, storetest.Noon())); !errors.Is(err, member.ErrNotJoined) {
		t.Errorf("%v, want ErrNotJoined", err)
	}
	if events := storetest.Events(one.keeper.Store()); events != 0 {
		t.Errorf("%d events were counted", events)
	}
}

func TestRecordsAreRefusedWhileTooMuchWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := w.add(func(n *node) {
		n.setAway(errors.New("no server answers"))
		n.options.Backlog = 64
	})
	one.page(30)
	harnesstest.Until(t, "records are refused", func() bool { // once the outbox was told of the commit
		return errors.Is(one.tryRecord(member.ByDisk, storetest.Page(3, storetest.Noon())), member.ErrBacklog)
	})
	one.setAway(nil)
	harnesstest.Until(t, "what waited is told", func() bool {
		return one.tryRecord(member.ByDisk, storetest.Page(3, storetest.Noon())) == nil
	})
	w.agree()
}
