package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"stats-recorder/harness"
)

// importPlan kills imports, and what undoes them, at each of their operations on the disk,
// between lives of a server under load. Each counts as a whole or not at all.
type importPlan struct {
	cycles int
	// load is how long the longest load lasts before the kill.
	load time.Duration
}

// importedTotal is the page total of all imported counters: no connection has it.
const importedTotal = firstPageTotal - 1

func (p importPlan) run(ctx context.Context, l *lab) (*report, error) {
	const connections = 4
	s, err := l.newSiege("imports", "always", connections)
	if err != nil {
		return nil, err
	}
	i := &importSiege{siege: s, failpoints: l.failpoints, crashes: map[string]int{}}
	for s.report.cycles < p.cycles && ctx.Err() == nil {
		if err := i.bring(p.load); err != nil {
			return s.report, err
		}
		if err := s.verify(ctx); err != nil {
			return s.report, err
		}
		s.cycle(p.cycles)
	}
	s.report.note("%d crashes of an import and %d of an undoing, of which %d and %d counted all the same",
		i.crashes["import"], i.crashes["undo"], i.crashes["import that counts"], i.crashes["undo that counts"])
	return s.report, errors.Join(ctx.Err(), s.finish(tolerance{}))
}

// importSiege is a siege whose directory also gets imports.
type importSiege struct {
	*siege
	failpoints string
	crashes    map[string]int // by what crashed
}

// bring is a life of a server, an import that crashes, and often its undoing, which does too.
func (s *importSiege) bring(load time.Duration) error {
	if err := s.live(load); err != nil {
		return err
	}
	before := s.imported[0]
	dump, after, err := s.dump(before)
	if err != nil {
		return err
	}
	into := []string{"import", "--source", "torture", dump}
	if err := s.crashAndRepeat("import", into, before, after); err != nil {
		return err
	}
	const refusedOne = 3
	if s.random.IntN(refusedOne) == 0 {
		return s.refuseUndo(load)
	}
	if err := s.crashAndRepeat("undo", []string{"import", "--undo"}, after, before); err != nil {
		return err
	}
	return s.command(harness.Ending{}, into, after)
}

// live runs a server under load, and kills it.
func (s *importSiege) live(load time.Duration) error {
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	_, err = s.killUnderLoad(life, s.between(10*time.Millisecond, load))
	return errors.Join(err, life.Kill())
}

// refuseUndo requires that what was counted since keeps an import from being undone.
func (s *importSiege) refuseUndo(load time.Duration) error {
	if err := s.live(load); err != nil {
		return err
	}
	return s.command(givesUp(), []string{"import", "--undo"}, s.imported[0])
}

// dump makes up documents that are later than all before, and says what they add to what
// was imported.
func (s *importSiege) dump(before tallies) (path string, after tallies, err error) {
	const most, days = 3000, 40
	var documents strings.Builder
	after = maps.Clone(before)
	first := s.report.cycles*most + 1
	for n := range 1 + s.random.IntN(most) {
		counter := harness.Counter{
			Benefit: fmt.Sprintf("imported-%d", s.random.IntN(20)), Event: "show", Total: importedTotal, Index: 1 + s.random.IntN(importedTotal),
		}
		at := time.Now().Add(-time.Duration(s.random.IntN(days)) * 24 * time.Hour)
		fmt.Fprintf(&documents, `{"_id":{"$oid":"65a00000%016x"},"benefit_id":%q,"hash_id":"h","event_type":%q,"page_total":%d,"benefit_index":%d,"version":%d,"created_at":{"$date":%q}}`+"\n",
			first+n, counter.Benefit, counter.Event, counter.Total, counter.Index, torturedVersion, at.UTC().Format(time.RFC3339))
		after[counter]++
	}
	path = filepath.Join(s.room(), "dump.json")
	if err := os.WriteFile(path, []byte(documents.String()), 0o600); err != nil {
		return "", nil, fmt.Errorf("write a dump: %w", err)
	}
	return path, after, nil
}

// crashAndRepeat has a command crash that leads from one state of the imports to another.
// Whichever of the two is there then; if it is the first, the command must lead to the
// other when it is given again.
func (s *importSiege) crashAndRepeat(what string, arguments []string, from, to tallies) error {
	point, err := s.randomPoint(arguments)
	if err != nil {
		return err
	}
	process, err := s.start(s.failpoints, s.settings.directory, failpointVariable+"="+point.String(), arguments)
	if err != nil {
		return err
	}
	if err := process.Expect(harness.Ending{Signal: syscall.SIGKILL}); err != nil {
		return fmt.Errorf("%s, to crash at %v: %w", what, point, err)
	}
	s.imported = []tallies{from, to}
	if err := s.look(); err != nil {
		return fmt.Errorf("after a crash of %s at %v: %w", what, point, err)
	}
	s.crashes[what]++
	if maps.Equal(s.imported[0], to) {
		s.crashes[what+" that counts"]++
		return nil
	}
	return s.command(harness.Ending{}, arguments, to)
}

// look starts a server, which compares, and kills it.
func (s *importSiege) look() error {
	life, err := s.recover(tolerance{})
	if err != nil {
		return err
	}
	return life.Kill()
}

// command runs a command to its end, after which the imports must be as they are said.
func (s *importSiege) command(want harness.Ending, arguments []string, imported tallies) error {
	process, err := s.start(s.settings.program, s.settings.directory, "", arguments)
	if err != nil {
		return err
	}
	if err := process.Expect(want); err != nil {
		return err
	}
	s.imported = []tallies{imported}
	return s.look()
}

// randomPoint is one of the operations on the disk that a command does, found on a copy of
// the directory.
func (s *importSiege) randomPoint(arguments []string) (crashPoint, error) {
	rehearsal := filepath.Join(s.room(), "rehearsal")
	defer os.RemoveAll(rehearsal)
	if err := os.CopyFS(rehearsal, os.DirFS(s.settings.directory)); err != nil {
		return crashPoint{}, fmt.Errorf("copy the directory: %w", err)
	}
	process, err := s.start(s.failpoints, rehearsal, failpointVariable+"=list", arguments)
	if err == nil {
		err = process.Expect(harness.Ending{})
	}
	if err != nil {
		return crashPoint{}, err
	}
	var points []crashPoint
	seen := map[string]int{}
	for place := range listedPlaces(process.Log.Lines()) {
		seen[place]++
		points = append(points, crashPoint{place: place, occurrence: seen[place]})
	}
	if len(points) == 0 {
		return crashPoint{}, fmt.Errorf("%w: %q lists no failpoints", errBreach, arguments)
	}
	return points[s.random.IntN(len(points))], nil
}

// start starts a command on a directory.
func (s *importSiege) start(program, directory, environment string, arguments []string) (*harness.Process, error) {
	settings := harness.Settings{Program: program, Data: directory, Inherited: os.Environ(), Arguments: arguments}
	if environment != "" {
		settings.Environment = []string{environment}
	}
	return harness.Start(settings.Command())
}

// takeImported takes what was imported off all counts.
func takeImported(found tallies) (imported tallies) {
	imported = tallies{}
	for counter, count := range found {
		if counter.Total == importedTotal {
			imported[counter] = count
			delete(found, counter)
		}
	}
	return imported
}

// settleImported requires that what is imported is one of what may be, which it is then.
func (s *siege) settleImported(found tallies) verdict {
	at := slices.IndexFunc(s.imported, func(possible tallies) bool { return maps.Equal(found, possible) })
	if at < 0 {
		finding := fmt.Sprintf("%d imported records are there, want one of", found.sum())
		for _, possible := range s.imported {
			finding += fmt.Sprintf(" %d", possible.sum())
		}
		return verdict{halves: 1, findings: []string{finding}}
	}
	s.imported = s.imported[at : at+1]
	return verdict{}
}
