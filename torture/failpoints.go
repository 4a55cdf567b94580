package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// failpointPlan crashes the server before and after each operation on the disk
// that it has: see snapshot/failpoint_on.go.
type failpointPlan struct {
	// occurrences are which times a place is reached to crash at, in a server
	// under load: 1 is often while it starts.
	occurrences []int
	// whileStopping says to crash also at each operation of an orderly end.
	whileStopping bool
}

// failpointVariable is how a server built with the tag failpoints is told where
// to crash.
const failpointVariable = "STATS_RECORDER_FAILPOINT"

// crashPoint is a place, and which time that it is reached.
type crashPoint struct {
	place      string
	occurrence int
	// torn says to leave a torn write in the journal first, for the start to cut off.
	torn bool
	// stop says to ask the server to end before it gets there.
	stop bool
}

// String is the value of the environment variable.
func (c crashPoint) String() string { return fmt.Sprintf("%s:%d", c.place, c.occurrence) }

func (p failpointPlan) run(ctx context.Context, l *lab) (*report, error) {
	const connections = 8
	s, err := l.newSiege("failpoints", "always", connections)
	if err != nil {
		return nil, err
	}
	s.settings.program = l.failpoints
	places, stopping, err := s.discover()
	if err != nil {
		return s.report, err
	}
	s.report.note("%d places: %s", len(places), strings.Join(places, ", "))
	points := p.points(places, stopping)
	for _, point := range points {
		if ctx.Err() != nil {
			break
		}
		if err := s.crashAt(point); err != nil {
			return s.report, fmt.Errorf("crash at %+v: %w", point, err)
		}
		s.cycle(len(points))
	}
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

func (p failpointPlan) points(places []string, stopping []crashPoint) []crashPoint {
	var points []crashPoint
	for _, occurrence := range p.occurrences {
		for _, place := range places {
			points = append(points, crashPoint{place: place, occurrence: occurrence})
		}
	}
	for _, place := range []string{"truncate.before", "truncate.after", "journal.sync.before", "journal.sync.after"} {
		points = append(points, crashPoint{place: place, occurrence: 1, torn: true})
	}
	if p.whileStopping {
		points = append(points, stopping...)
	}
	return points
}

// discover has a server list the places that it reaches, in a life with
// snapshots and an orderly end. It also returns those that it reached while it
// stopped.
func (s *siege) discover() (places []string, stopping []crashPoint, err error) {
	s.settings.environment = []string{failpointVariable + "=list"}
	defer func() { s.settings.environment = nil }()
	life, err := s.observedLife(snapshotsOften, 4)
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]int{}
	for place := range listedPlaces(life.Log.Lines()) {
		seen[place]++
	}
	for place := range seen {
		places = append(places, place)
	}
	slices.Sort(places)
	if len(places) == 0 {
		return nil, nil, fmt.Errorf("%w: it lists no failpoints; was it built with the tag failpoints?", errBreach)
	}
	if life, err = s.observedLife(snapshotsNever, 0); err != nil {
		return nil, nil, err
	}
	seen = map[string]int{}
	for place, afterStop := range listedPlaces(life.Log.Lines()) {
		seen[place]++
		// How often the journal is written depends on the load.
		if afterStop && !strings.HasPrefix(place, "journal.") {
			stopping = append(stopping, crashPoint{place: place, occurrence: seen[place], stop: true})
		}
	}
	return places, stopping, nil
}

const (
	// snapshotsOften has one begin as soon as the one before it is finished, more or less.
	snapshotsOften = 20 * time.Millisecond
	// snapshotsNever leaves only the one at the end.
	snapshotsNever = time.Hour
)

// observedLife is a server's life under load, with a number of snapshots and an
// orderly end.
func (s *siege) observedLife(interval time.Duration, snapshots int) (*harness.Server, error) {
	s.settings.snapshotInterval = interval
	life, err := s.recover(tolerance{})
	if err != nil {
		return nil, err
	}
	load := startLoad(life.Address, s.ledger)
	err = load.awaitMore(5)
	for next := 0; snapshots > 0 && err == nil; snapshots-- {
		var line harness.Line
		line, err = life.Log.Await(harness.Message("wrote a snapshot"), next)
		next = line.Number + 1
	}
	err = errors.Join(err, load.stop(), life.Stop(), life.Kill())
	return life, err
}

// listedPlaces yields each place in the order in which it was reached, and
// whether that was after the server was asked to stop.
func listedPlaces(lines []harness.Line) func(yield func(place string, afterStop bool) bool) {
	return func(yield func(string, bool) bool) {
		afterStop := false
		for _, line := range lines {
			afterStop = afterStop || strings.Contains(line.Text, `"msg":"stopping"`)
			if place, found := strings.CutPrefix(line.Text, "failpoint "); found && !yield(place, afterStop) {
				return
			}
		}
	}
}

// crashAt runs a server under load until it crashes at a point, and recovers.
func (s *siege) crashAt(point crashPoint) error {
	s.settings.environment = []string{failpointVariable + "=" + point.String()}
	s.settings.snapshotInterval = snapshotsOften
	if point.stop {
		s.settings.snapshotInterval = snapshotsNever
	}
	if point.torn {
		if err := tearJournal(s.settings.directory); err != nil {
			return err
		}
	}
	err := s.lifeUntilCrash(point.stop)
	s.settings.environment, s.settings.snapshotInterval = nil, snapshotsNever
	if err != nil {
		return err
	}
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	return life.Kill()
}

// lifeUntilCrash ends when the server has killed itself, which it may do before
// it listens. One that is asked to stop may also get to its end without
// reaching the point, since the state that it began with is not always the same.
func (s *siege) lifeUntilCrash(stop bool) error {
	crash := harness.Ending{Signal: syscall.SIGKILL}
	life, err := s.settings.launch()
	if err != nil {
		return err
	}
	defer life.Kill()
	if err := life.Listen(); errors.Is(err, harness.ErrEnded) {
		return life.Expect(crash)
	} else if err != nil {
		return err
	}
	load := startLoad(life.Address, s.ledger)
	if !stop {
		return errors.Join(life.Expect(crash), load.stop())
	}
	err = errors.Join(load.awaitMore(2), life.Signal(syscall.SIGTERM))
	got, waitError := life.Wait()
	if err = errors.Join(err, waitError, load.stop()); err == nil && got != crash && got != (harness.Ending{}) {
		err = fmt.Errorf("%w: it ended with %v, want %v; it wrote:\n%s", errBreach, got, crash, life.Log.Tail())
	}
	return err
}

// tearJournal adds what looks like the beginning of a write that a loss of
// power interrupted.
func tearJournal(directory string) error {
	journals, err := filepath.Glob(filepath.Join(directory, "journal-*"))
	if err != nil || len(journals) == 0 {
		return errors.Join(fmt.Errorf("no journal in %q", directory), err)
	}
	newest := slices.Max(journals)
	content, err := os.ReadFile(newest)
	if err != nil {
		return fmt.Errorf("tear the journal: %w", err)
	}
	content = append(bytes.TrimRight(content, "\x00"), 0, 0, 0, 0)
	content = append(content, bytes.Repeat([]byte("torn"), 100)...)
	if err := os.WriteFile(newest, content, 0o640); err != nil {
		return fmt.Errorf("tear the journal: %w", err)
	}
	return nil
}
