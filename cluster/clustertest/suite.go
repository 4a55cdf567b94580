package clustertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"stats-recorder/cluster"
)

// patience is how long anything may take before a test gives up.
const patience = 60 * time.Second

// A Cluster is an implementation under test: one log and its shared states.
type Cluster interface {
	// Open makes a log and a store as a process that starts does.
	Open(t *testing.T) Process
	// Recreate deletes the log and makes it anew.
	Recreate(t *testing.T)
	// Lose removes one frame from the log, as a damaged engine does.
	Lose(t *testing.T, at cluster.Position)
	// Inject stores bytes in the log past the implementation, under the ID of a frame
	// that may be in the log already, as an engine does that has forgotten that it is.
	Inject(t *testing.T, id cluster.FrameID, encoded []byte)
	// Disturb makes the engine fail calls for a while: it kills what leads, for
	// example. Some time after calm was called all is well again.
	Disturb(t *testing.T) (calm func())
}

// A Process is what one process has of a cluster.
type Process struct {
	Log    cluster.Log
	Shared cluster.Shared
	// Hold keeps answers from reaching the process until Release; what it asks is
	// done all the same.
	Hold, Release func()
}

// TestLog holds implementations of cluster.Log and cluster.Shared to what these say.
// The function makes a cluster whose log is empty and has room for a number of
// bytes of frames, more or less, or for many if it is 0. Those that it makes may
// disturb each other: the tests that disturb run last, one after the other.
func TestLog(t *testing.T, newCluster func(t *testing.T, limit int) Cluster) {
	t.Run("undisturbed", func(t *testing.T) {
		for name, test := range undisturbed() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				limit := 0
				if test.limited {
					limit = fullAt
				}
				test.run(t, newCluster(t, limit))
			})
		}
	})
	t.Run("disturbed, acknowledged frames are all there, each once, in one order", func(t *testing.T) {
		TestDisturbed(t, newCluster(t, 0))
	})
}

// fullAt is how many bytes a limited log has room for.
const fullAt = 64 << 10

type suiteTest struct {
	run     func(*testing.T, Cluster)
	limited bool
}

func undisturbed() map[string]suiteTest {
	return map[string]suiteTest{
		"frames are read as they were appended, in one order":              {run: testOrder},
		"a reader waits for what comes and ends with its context":          {run: testFollowing},
		"a visitor that fails ends the reading":                            {run: testVisitorFails},
		"the largest frame passes, a larger one is refused":                {run: testSizes},
		"a frame that is appended again is in the log once":                {run: testAgain},
		"a frame that was stored without an answer is found":               {run: testUnanswered},
		"of twins only one appends":                                        {run: testTwins},
		"a copy of an old directory appends nothing":                       {run: testOldCopy},
		"a frame that the log has twice is no twin's, and is counted once": {run: testDoubled},
		"a frame that the log lost is appended again":                      {run: testRepair},
		"a full log stores nothing until it is trimmed":                    {run: testFull, limited: true},
		"a trimmed log says so and goes on":                                {run: testTrimmed},
		"a log that is trimmed under a reader skips nothing silently":      {run: testTrimmedUnderReader},
		"a log that was made anew is not taken for the old one":            {run: testEpoch},
		"a position beyond the end is refused":                             {run: testBehind},
		"a frame that cannot be read stops the reader, again and again":    {run: testUnreadable},
		"states come back as they were put, the furthest first":            {run: testStates},
		"a state that cannot be read leaves the one before":                {run: testStateFails},
		"a state does not replace one that has more":                       {run: testStateBehind},
		"a state is read to its end while others are put":                  {run: testStateOvertaken},
		"a log knows its end after all frames are trimmed, by its states":  {run: testLastSequence},
	}
}

// frameOf is a frame that counts nothing. Frames with another content are other
// frames.
func frameOf(origin cluster.Origin, sequence uint64, content string) cluster.Frame {
	return cluster.Frame{Origin: origin, Sequence: sequence, Nonce: sequence * 7, Format: 1, Clock: 500_000, Payload: []byte(content)}
}

func numbered(origin cluster.Origin, sequence uint64) cluster.Frame {
	return frameOf(origin, sequence, fmt.Sprintf("frame %d", sequence))
}

// within is a context that ends before the test loses patience.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// appended appends until the frame is in the log.
func appended(t *testing.T, log cluster.Log, frame cluster.Frame) cluster.Position {
	t.Helper()
	position, err := persist(within(t), func(ctx context.Context) (cluster.Position, error) { return log.Append(ctx, frame) })
	if err != nil {
		t.Fatalf("appending frame %d: %v", frame.Sequence, err)
	}
	return position
}

// persist calls until there is no error, or a final one, or ctx ends. Each try is
// short, as that of a node is.
func persist[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		result, err := call(try)
		cancel()
		if err == nil || cluster.IsFinal(err) || errors.Is(err, cluster.ErrFull) || ctx.Err() != nil {
			return result, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// refused expects an append to fail in one way, and to store nothing.
func refused(t *testing.T, log cluster.Log, frame cluster.Frame, want error) {
	t.Helper()
	_, before := bounds(t, log)
	_, err := persist(within(t), func(ctx context.Context) (cluster.Position, error) { return log.Append(ctx, frame) })
	if !errors.Is(err, want) {
		t.Fatalf("appending frame %d of %s: error %v, want %v", frame.Sequence, frame.Origin, err, want)
	}
	if _, after := bounds(t, log); after != before {
		t.Fatalf("the log ends at %s, want %s: a refused frame was stored", after, before)
	}
}

func bounds(t *testing.T, log cluster.Log) (first, last cluster.Position) {
	t.Helper()
	first, last, err := log.Bounds(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return first, last
}

// expectLast expects the highest sequence of an origin in the log.
func expectLast(t *testing.T, log cluster.Log, origin cluster.Origin, want uint64) cluster.Position {
	t.Helper()
	sequence, at, err := log.LastOf(within(t), origin)
	if err != nil || sequence != want {
		t.Fatalf("the last frame of %s is %d, error %v, want %d", origin, sequence, err, want)
	}
	return at
}

// A placed is a frame where it was read.
type placed struct {
	at    cluster.Position
	frame cluster.Frame
}

var errEnough = errors.New("read enough")

// readUpTo reads all frames after a position up to another one, across passing
// errors.
func readUpTo(t *testing.T, log cluster.Log, after, last cluster.Position) []placed {
	t.Helper()
	var frames []placed
	ctx := within(t)
	for after.Sequence < last.Sequence {
		err := log.Read(ctx, after, func(at cluster.Position, frame cluster.Frame) error {
			if at.Sequence <= after.Sequence || at.Epoch != last.Epoch {
				t.Fatalf("read a frame at %s after %s", at, after)
			}
			frames = append(frames, placed{at, frame})
			if after = at; at.Sequence >= last.Sequence {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err == nil || cluster.IsFinal(err) || ctx.Err() != nil {
			t.Fatalf("reading after %s up to %s: %v", after, last, err)
		}
	}
	return frames
}

// readAll reads the whole log.
func readAll(t *testing.T, log cluster.Log) []placed {
	t.Helper()
	_, last := bounds(t, log)
	return readUpTo(t, log, cluster.Position{}, last)
}

// readFails expects reading to fail in one way, after it visited a number of frames, whatever it
// passes on the way: a busy server may be late.
func readFails(t *testing.T, log cluster.Log, after cluster.Position, visits int, want error) {
	t.Helper()
	ctx, from, visited := within(t), after, 0
	for {
		err := log.Read(ctx, after, func(at cluster.Position, _ cluster.Frame) error {
			visited, after = visited+1, at
			return nil
		})
		if errors.Is(err, want) && visited == visits {
			return
		}
		if err == nil || errors.Is(err, want) || cluster.IsFinal(err) || visited > visits || ctx.Err() != nil {
			t.Fatalf("reading after %s visited %d frames, error %v, want %d and %v", from, visited, err, visits, want)
		}
	}
}

// expectFrames expects frames to be those of one origin, by their numbers.
func expectFrames(t *testing.T, have []placed, origin cluster.Origin, want ...uint64) {
	t.Helper()
	var sequences []uint64
	for _, placed := range have {
		if placed.frame.Origin == origin {
			sequences = append(sequences, placed.frame.Sequence)
		}
	}
	if !slices.Equal(sequences, want) {
		t.Fatalf("the log has frames %d of %s, want %d", sequences, origin, want)
	}
}

func idOf(t *testing.T, frame cluster.Frame) (cluster.FrameID, []byte) {
	t.Helper()
	encoded, err := frame.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return cluster.IDOf(frame, encoded), encoded
}
