package clustertest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"stats-recorder/cluster"
)

func testSizes(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	largest := frameOf(origin, 1, strings.Repeat("x", cluster.MaxPayload))
	appended(t, log, largest)
	refused(t, log, frameOf(origin, 2, strings.Repeat("x", cluster.MaxPayload+1)), cluster.ErrTooLarge)
	unknown := numbered(origin, 2)
	unknown.Format = cluster.NewestFormat + 1
	refused(t, log, unknown, cluster.ErrFormat)
	refused(t, log, numbered(cluster.Origin{}, 2), cluster.ErrMalformed)
	refused(t, log, numbered(origin, 0), cluster.ErrMalformed)
	if frames := readAll(t, log); len(frames) != 1 || !reflect.DeepEqual(frames[0].frame, largest) {
		t.Fatalf("the log has %d frames, want the one that was appended", len(frames))
	}
}

func testAgain(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	var at []cluster.Position
	for sequence := range uint64(5) {
		at = append(at, appended(t, log, numbered(origin, sequence+1)))
	}
	restarted := c.Open(t).Log
	for _, log := range []cluster.Log{log, log, restarted, restarted} {
		for i, want := range at {
			if again := appended(t, log, numbered(origin, uint64(i+1))); again != want {
				t.Fatalf("frame %d is at %s when appended again, it was at %s", i+1, again, want)
			}
		}
	}
	if last := expectLast(t, restarted, origin, 5); last != at[4] {
		t.Fatalf("the last frame is at %s, want %s", last, at[4])
	}
	appended(t, restarted, numbered(origin, 6))
	expectFrames(t, readAll(t, log), origin, 1, 2, 3, 4, 5, 6)
}

func testUnanswered(t *testing.T, c Cluster) {
	process, witness, origin := c.Open(t), c.Open(t).Log, cluster.NewOrigin()
	first := appended(t, process.Log, numbered(origin, 1))
	appendUnanswered(t, process, witness, numbered(origin, 2))
	second := appended(t, process.Log, numbered(origin, 2))
	if second.Sequence != first.Sequence+1 {
		t.Fatalf("frame 2 is at %s, want right behind %s", second, first)
	}
	appended(t, process.Log, numbered(origin, 3))

	// A frame may be given up for another; the one that was stored is still its own.
	appendUnanswered(t, process, witness, numbered(origin, 4))
	appended(t, process.Log, numbered(origin, 5))
	appended(t, process.Log, numbered(origin, 4))

	// The process dies before the answer; its successor appends what is in the outbox.
	appendUnanswered(t, process, witness, numbered(origin, 6))
	successor := c.Open(t).Log
	expectLast(t, successor, origin, 6)
	appended(t, successor, numbered(origin, 6))
	appended(t, successor, numbered(origin, 7))
	expectFrames(t, readAll(t, witness), origin, 1, 2, 3, 4, 5, 6, 7)
}

// appendUnanswered appends a frame whose answer does not come. A witness sees when
// it is in the log.
func appendUnanswered(t *testing.T, process Process, witness cluster.Log, frame cluster.Frame) {
	t.Helper()
	process.Hold()
	defer process.Release()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := process.Log.Append(ctx, frame)
		failed <- err
	}()
	for stored := uint64(0); stored < frame.Sequence; {
		var err error
		if stored, _, err = witness.LastOf(within(t), frame.Origin); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-failed; err == nil || cluster.IsFinal(err) {
		t.Fatalf("an append without an answer returned error %v, want one that is not final", err)
	}
}

func testTwins(t *testing.T, c Cluster) {
	one, two, origin := c.Open(t).Log, c.Open(t).Log, cluster.NewOrigin()
	appended(t, one, frameOf(origin, 1, "of both"))
	appended(t, one, frameOf(origin, 2, "of both"))
	appended(t, two, frameOf(origin, 2, "of both")) // copied with the directory
	appended(t, two, frameOf(origin, 3, "of two"))
	refused(t, one, frameOf(origin, 3, "of one"), cluster.ErrFenced)
	refused(t, one, frameOf(origin, 4, "of one"), cluster.ErrFenced)
	appended(t, two, frameOf(origin, 4, "of two"))
	refused(t, one, frameOf(origin, 3, "of one"), cluster.ErrFenced)

	// The same counts under the same number are still not the same frame.
	same := frameOf(origin, 4, "of two")
	same.Nonce++
	refused(t, c.Open(t).Log, same, cluster.ErrTaken)
	expectFrames(t, readAll(t, one), origin, 1, 2, 3, 4)
}

func testOldCopy(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	for sequence := range uint64(6) {
		appended(t, log, numbered(origin, sequence+1))
	}
	restored := c.Open(t).Log
	expectLast(t, restored, origin, 6)
	for sequence := range uint64(6) {
		refused(t, restored, frameOf(origin, sequence+1, "after the backup"), cluster.ErrTaken)
	}
	expectFrames(t, readAll(t, log), origin, 1, 2, 3, 4, 5, 6)
}

func testDoubled(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	appended(t, log, numbered(origin, 1))
	appended(t, log, numbered(origin, 2))
	id, encoded := idOf(t, numbered(origin, 2))
	c.Inject(t, id, encoded)
	appended(t, log, numbered(origin, 2))
	appended(t, log, numbered(origin, 3))
	appended(t, c.Open(t).Log, numbered(origin, 4))
	frames := readAll(t, log)
	expectFrames(t, frames, origin, 1, 2, 2, 3, 4)
	var covered cluster.Covered
	isNew := 0
	for _, placed := range frames {
		if covered.Add(placed.frame.Origin, placed.frame.Sequence) {
			isNew++
		}
	}
	if isNew != 4 || covered.UpTo(origin) != 4 {
		t.Fatalf("%d frames are new and the vector goes up to %d, want 4 and 4", isNew, covered.UpTo(origin))
	}
}

func testRepair(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	var at []cluster.Position
	for sequence := range uint64(6) {
		at = append(at, appended(t, log, numbered(origin, sequence+1)))
	}
	c.Lose(t, at[1])
	c.Lose(t, at[3])
	restarted := c.Open(t).Log
	expectFrames(t, readAll(t, restarted), origin, 1, 3, 5, 6)
	for _, sequence := range []uint64{2, 3, 4, 2} { // 3 and the second 2 are there
		appended(t, restarted, numbered(origin, sequence))
	}
	expectLast(t, log, origin, 6) // not 4, which comes last
	appended(t, restarted, numbered(origin, 7))
	expectLast(t, log, origin, 7)
	expectFrames(t, readAll(t, log), origin, 1, 3, 5, 6, 2, 4, 7)
}

func testFull(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	content := strings.Repeat("x", 5000)
	sequence, err := uint64(0), error(nil)
	for err == nil {
		if sequence++; sequence > 2*fullAt/5000 {
			t.Fatalf("%d frames fit into %d bytes", sequence, fullAt)
		}
		_, err = log.Append(within(t), frameOf(origin, sequence, content))
	}
	if !errors.Is(err, cluster.ErrFull) || cluster.IsFinal(err) {
		t.Fatalf("a full log answers %v, want %v, which is not final", err, cluster.ErrFull)
	}
	refused(t, log, frameOf(origin, sequence, content), cluster.ErrFull)
	expectLast(t, log, origin, sequence-1)
	_, last := bounds(t, log)
	if err := log.Trim(within(t), last); err != nil {
		t.Fatal(err)
	}
	at := appended(t, log, frameOf(origin, sequence, content))
	expectFrames(t, readUpTo(t, log, last, at), origin, sequence)
}
