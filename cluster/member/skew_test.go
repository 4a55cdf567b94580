package member_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/member"
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
