package clustertest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"stats-recorder/cluster"
)

func testOrder(t *testing.T, c Cluster) {
	one, two := c.Open(t).Log, c.Open(t).Log
	if first, last := bounds(t, one); last.Sequence != 0 || first.Sequence != 1 {
		t.Fatalf("an empty log goes from %s to %s, want 1 to 0", first, last)
	}
	origins := []cluster.Origin{cluster.NewOrigin(), cluster.NewOrigin()}
	expectLast(t, one, origins[0], 0)
	var want []placed
	for i := range uint64(20) {
		frame := numbered(origins[i%2], i/2+1)
		frame.Payload = append(frame.Payload, 0, 255, '\r', '\n')
		log := []cluster.Log{one, two}[i%2]
		want = append(want, placed{appended(t, log, frame), frame})
	}
	have := readAll(t, two)
	if !reflect.DeepEqual(have, want) {
		t.Fatalf("read %v\nwant %v", have, want)
	}
	first, last := bounds(t, one)
	if first != want[0].at || last != want[19].at {
		t.Fatalf("the log goes from %s to %s, want %s to %s", first, last, want[0].at, want[19].at)
	}
	middle := readUpTo(t, one, want[6].at, want[12].at)
	if !reflect.DeepEqual(middle, want[7:13]) {
		t.Fatalf("read %v\nwant %v", middle, want[7:13])
	}
}

func testFollowing(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	ctx, cancel := context.WithCancel(within(t))
	visited, ended := make(chan uint64), make(chan error)
	go func() {
		after := cluster.Position{}
		ended <- follow(ctx, log, &after, func(frame cluster.Frame) { visited <- frame.Sequence })
	}()
	for sequence := range uint64(5) {
		appended(t, log, numbered(origin, sequence+1))
		select {
		case have := <-visited:
			if have != sequence+1 {
				t.Fatalf("visited frame %d, want %d", have, sequence+1)
			}
		case err := <-ended:
			t.Fatalf("reading ended: %v", err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("reading ended with error %v, want %v", err, context.Canceled)
	}
}

// follow reads on across passing errors, as a node does, until somebody must decide or
// ctx ends.
func follow(ctx context.Context, log cluster.Log, after *cluster.Position, visit func(cluster.Frame)) error {
	for {
		err := log.Read(ctx, *after, func(at cluster.Position, frame cluster.Frame) error {
			visit(frame)
			*after = at
			return nil
		})
		if cluster.IsFinal(err) || ctx.Err() != nil {
			return err
		}
	}
}

func testVisitorFails(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	appended(t, log, numbered(origin, 1))
	appended(t, log, numbered(origin, 2))
	failure := errors.New("the disk is full")
	visits := 0
	err := log.Read(within(t), cluster.Position{}, func(cluster.Position, cluster.Frame) error {
		visits++
		return failure
	})
	if err != failure || visits != 1 {
		t.Fatalf("reading ended with error %v after %d visits, want %v after 1", err, visits, failure)
	}
}

func testTrimmed(t *testing.T, c Cluster) {
	log, origin, other := c.Open(t).Log, cluster.NewOrigin(), cluster.NewOrigin()
	var at []cluster.Position
	for sequence := range uint64(4) {
		at = append(at, appended(t, log, numbered(origin, sequence+1)))
	}
	appended(t, log, numbered(other, 1))
	trim(t, log, cluster.Position{})
	trim(t, log, at[2])
	trim(t, log, at[1]) // which is done already
	if first, _ := bounds(t, log); first != at[2] {
		t.Fatalf("the log begins at %s, want %s", first, at[2])
	}
	readFails(t, log, cluster.Position{}, 0, cluster.ErrTrimmed)
	readFails(t, log, at[0], 0, cluster.ErrTrimmed)
	expectFrames(t, readUpTo(t, log, at[1], at[3]), origin, 3, 4)

	// All, and more than there is: what comes later stays.
	_, last := bounds(t, log)
	beyond := last
	beyond.Sequence += 100
	trim(t, log, beyond)
	first, end := bounds(t, log)
	if end != last || first.Sequence != last.Sequence+1 {
		t.Fatalf("the trimmed log goes from %s to %s, want one above %s to it", first, end, last)
	}
	readFails(t, log, at[3], 0, cluster.ErrTrimmed)
	expectLast(t, log, origin, 0)
	next := appended(t, log, numbered(origin, 5))
	appended(t, c.Open(t).Log, numbered(other, 2))
	if next.Sequence != last.Sequence+1 {
		t.Fatalf("the next frame is at %s, want right behind %s", next, last)
	}
	expectFrames(t, readUpTo(t, log, last, next), origin, 5)
}

func trim(t *testing.T, log cluster.Log, below cluster.Position) {
	t.Helper()
	if err := log.Trim(within(t), below); err != nil {
		t.Fatal(err)
	}
}

func testTrimmedUnderReader(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	for sequence := range uint64(50) {
		appended(t, log, numbered(origin, sequence+1))
	}
	_, last := bounds(t, log)
	ctx, after, previous := within(t), cluster.Position{}, uint64(0)
	for {
		err := log.Read(ctx, after, func(at cluster.Position, frame cluster.Frame) error {
			if frame.Sequence != previous+1 {
				t.Fatalf("frame %d came after %d", frame.Sequence, previous)
			}
			if after, previous = at, frame.Sequence; previous == 1 {
				trim(t, log, last)
			}
			if at == last {
				return errEnough
			}
			return nil
		})
		// A reader may have been sent the frames before they were trimmed.
		if errors.Is(err, cluster.ErrTrimmed) || errors.Is(err, errEnough) {
			return
		}
		if err == nil || cluster.IsFinal(err) || ctx.Err() != nil { // else the servers may be slow: as follow
			t.Fatalf("reading ended after frame %d: %v", previous, err)
		}
	}
}

func testEpoch(t *testing.T, c Cluster) {
	process, origin := c.Open(t), cluster.NewOrigin()
	log := process.Log
	appended(t, log, numbered(origin, 1))
	old := appended(t, log, numbered(origin, 2))
	following := make(chan error, 1)
	ctx := within(t)
	go func() {
		after := old
		following <- follow(ctx, log, &after, func(cluster.Frame) {})
	}()
	c.Recreate(t)
	fresh := c.Open(t).Log
	appended(t, fresh, numbered(cluster.NewOrigin(), 1))
	appended(t, fresh, numbered(cluster.NewOrigin(), 1))
	if err := <-following; !errors.Is(err, cluster.ErrEpoch) {
		t.Fatalf("a reader of the log before ended with %v, want %v", err, cluster.ErrEpoch)
	}
	readFails(t, log, cluster.Position{}, 0, cluster.ErrEpoch)
	readFails(t, fresh, old, 0, cluster.ErrEpoch)
	_, last := bounds(t, fresh)
	if last.Epoch == old.Epoch || last.Sequence != 2 {
		t.Fatalf("the log ends at %s, want 2 of another epoch than %s", last, old.Epoch)
	}
	_, appendKnown := log.Append(within(t), numbered(origin, 3))
	_, appendNew := log.Append(within(t), numbered(cluster.NewOrigin(), 1))
	_, _, errBounds := log.Bounds(within(t))
	_, _, errLast := log.LastOf(within(t), origin)
	for call, err := range map[string]error{
		"Append of an origin that it knew": appendKnown,
		"Append of a new origin":           appendNew,
		"Bounds":                           errBounds,
		"LastOf":                           errLast,
		"Trim":                             log.Trim(within(t), old),
		"Trim of the log that is there":    fresh.Trim(within(t), old),
	} {
		if !errors.Is(err, cluster.ErrEpoch) {
			t.Errorf("%s: error %v, want %v", call, err, cluster.ErrEpoch)
		}
	}
	expectFrames(t, readAll(t, fresh), origin)
}

func testBehind(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	beyond := appended(t, log, numbered(origin, 1))
	beyond.Sequence++
	readFails(t, log, beyond, 0, cluster.ErrBehind)
	if cluster.IsFinal(cluster.ErrBehind) {
		t.Error("a log that ends before a position is final, but a server that is cut off says so too")
	}
}

func testUnreadable(t *testing.T, c Cluster) {
	log, origin := c.Open(t).Log, cluster.NewOrigin()
	readable := appended(t, log, numbered(origin, 1))
	id, encoded := idOf(t, numbered(origin, 2))
	newer := slices.Clone(encoded)
	newer[4]++ // the format
	c.Inject(t, id, newer)
	readFails(t, log, cluster.Position{}, 1, cluster.ErrFormat)
	readFails(t, log, readable, 0, cluster.ErrFormat)

	_, last := bounds(t, log)
	flipped := slices.Clone(encoded)
	flipped[len(flipped)-1] ^= 4
	c.Inject(t, cluster.FrameID{Origin: origin, Sequence: 3, Sum: 3}, flipped)
	readFails(t, log, last, 0, cluster.ErrMalformed)
}
