package member_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/member"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/harness/harnesstest"
)

// inject puts a frame of a newer program into the log.
func (w *world) inject(frame cluster.Frame, change func([]byte)) {
	w.t.Helper()
	frame.Origin, frame.Sequence, frame.Format = cluster.NewOrigin(), 1, cluster.NewestFormat
	encoded, err := frame.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	change(encoded)
	w.broker.Inject(cluster.IDOf(frame, encoded), encoded)
}

func TestANodeMergesNothingBehindWhatANewerProgramTold(t *testing.T) {
	t.Parallel()
	unknown := []byte{99, 0} // a section of a number that this program does not know
	unknown = binary.LittleEndian.AppendUint32(unknown, crc32.Checksum(unknown, crc32.MakeTable(crc32.Castagnoli)))
	for name, inject := range map[string]func(*world){
		"in a frame of a newer format": func(w *world) {
			w.inject(cluster.Frame{Payload: unknown}, func(b []byte) { binary.LittleEndian.PutUint16(b[4:], cluster.NewestFormat+1) })
		},
		"in a section of a newer number": func(w *world) {
			w.inject(cluster.Frame{Payload: unknown}, func([]byte) {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one, two := w.add(), w.add(func(n *node) { n.options.ServesAlone = true })
			one.page(3)
			w.agree()
			position := two.covered().Position
			inject(w)
			one.page(5)
			harnesstest.Until(t, "the node says that it cannot go on", func() bool {
				return errors.Is(two.member.Ready(), member.ErrUnreadable) && len(w.broker.Frames()) >= 2
			})
			if events := storetest.Events(two.keeper.Store()); events != 3 {
				t.Errorf("it has %d events, want the 3 from before", events)
			}
			if at := two.covered().Position; at != position {
				t.Errorf("it is at %s, want %s", at, position)
			}
			two.page(2) // it goes on taking records
		})
	}
}

func TestWhetherANodeWithoutTheLogIsReadyIsUpToWhatItPromises(t *testing.T) {
	t.Parallel()
	away := errors.New("no server answers")
	for name, c := range map[string]struct {
		servesAlone, met bool
		want             error
	}{
		"it acknowledges and answers by itself":                  {servesAlone: true, met: true},
		"it must have the log to acknowledge or to answer":       {met: true, want: member.ErrNotJoined},
		"it has never met the log, so it lacks what others know": {servesAlone: true, want: member.ErrNotJoined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.add(func(n *node) {
				n.options.ServesAlone = c.servesAlone
				if !c.met {
					n.setAway(away)
				}
			})
			if c.met {
				n.page(2)
				n.stop()
				n.setAway(away)
				n.start()
			}
			harnesstest.Until(t, "the log was tried", func() bool { return n.member.Status().Trouble != nil })
			if err := n.member.Ready(); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			n.setAway(nil)
			harnesstest.Until(t, "the node is ready once it has all", func() bool {
				return n.member.Ready() == nil && n.member.Status().Lag >= 0 && n.member.Status().Lag < time.Minute
			})
		})
	}
}

func TestANodeIsReadyThoughOthersNeverCeaseToCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keeps := func(n *node) { n.options.Share = time.Hour } // so that no state must be adopted
	one := w.add(keeps)
	ctx, cancel := context.WithCancel(t.Context())
	var counting sync.WaitGroup
	counting.Go(func() {
		for ctx.Err() == nil {
			one.page(1)
			_ = one.member.Flush(ctx)
		}
	})
	two := w.add(keeps, func(n *node) { n.options.Gather = 300 * time.Millisecond })
	harnesstest.Until(t, "the node is ready", func() bool { return two.member.Ready() == nil })
	for range 2 {
		moment := time.Now()
		harnesstest.Until(t, "the node has all that the log had at a moment", func() bool {
			_, at := two.member.Counted()
			return at.After(moment)
		})
	}
	cancel()
	counting.Wait()
	w.agree()
}

func TestNodesCountUnderEventTypesThatAllHaveRoomFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []string
	for i := range counters.MaxEventTypes {
		all = append(all, fmt.Sprintf("type-%02d", i))
	}
	with := func(names ...string) func(*node) {
		return func(n *node) {
			n.options.EventTypes, n.options.BuiltIn = names, []string{"show"}
		}
	}
	one, two := w.add(with(all[:40]...)), w.add(with(all[30:]...))
	three := w.add(with())
	harnesstest.Until(t, "the nodes have agreed", func() bool { return len(w.eventTypes()) == counters.MaxEventTypes-2 })
	for _, n := range []*node{one, two} {
		for _, name := range n.options.EventTypes {
			// As the door does with a record.
			number, _, err := n.keeper.Store().EventTypeOfRecords([]byte(name))
			if err != nil {
				t.Fatal(err)
			}
			own := n.keeper.Store().Events.Names()[number-1]
			if isAgreed := slices.Contains(w.eventTypes(), name); isAgreed != (own == name) || !isAgreed && own != counters.OtherEvent {
				t.Errorf("%s counts under %s", name, own)
			}
			record := storetest.Shown("benefit", 3, 2, storetest.Noon())
			record.Event = own
			n.record([]storetest.Record{record})
		}
	}
	w.agree()
	_ = three
}
