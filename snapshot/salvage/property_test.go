package salvage_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/salvage"
)

// repairs is how many damaged directories the property is tried on:
//
//	go test ./snapshot/salvage -run Random -repairs 20000 -timeout 2h
var repairs = flag.Int("repairs", 100, "how many damaged directories to repair")

// TestRandomDirectoriesWithRandomDamage tries what must hold of every repair: it has at
// least what a start has once the damaged files are deleted, and what the good files
// tell; it has nothing that was not acknowledged, each under its name or a placeholder;
// what it leaves is complete, starts, goes on, and survives another repair.
func TestRandomDirectoriesWithRandomDamage(t *testing.T) {
	random := storetest.Random(t)
	const damagesOfOne = 10
	outcomes := map[string]int{}
	for done := 0; done < *repairs; {
		w := newWorld(t, random)
		if have, err := stateOf(w.directory); err != nil || !have.equal(w.truth()) {
			t.Fatalf("the test has lost count before any damage (%v)", err)
		}
		for range damagesOfOne {
			outcomes[w.repairOne(t, random)]++
			done++
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("repairs by outcome: %v", outcomes)
	if err := traceable(); err != nil {
		t.Logf("no file was unreadable: %v", err)
	}
}

// repairOne spoils a copy of a world, has it repaired and checks what comes of it.
func (w *world) repairOne(t *testing.T, random *rand.Rand) (outcome string) {
	t.Helper()
	directory := copied(t, w.directory)
	defer os.RemoveAll(filepath.Dir(directory))
	damages := spoiled(t, random, directory)
	before := contents(t, directory)
	repaired, err := repairBeside(t, directory, damages)
	if err != nil && strings.Contains(err.Error(), format.ErrVersion.Error()) {
		if !maps.Equal(contents(t, directory), before) {
			t.Errorf("%v: refused, but changed", damages)
		}
		return "refused for its version"
	}
	if err != nil {
		t.Errorf("%v: %v", damages, err)
		return "failed"
	}
	have, err := stateOf(directory)
	if err != nil {
		t.Errorf("%v: the repaired directory does not start: %v", damages, err)
		return "failed"
	}
	wrong := w.judge(t, directory, damages, have)
	wrong = append(wrong, w.judgeLife(t, directory, have)...)
	if len(wrong) > 0 {
		t.Errorf("%v of %q:\n%s\nit dropped\n%s", damages, slices.Sorted(maps.Keys(before)),
			strings.Join(wrong[:min(len(wrong), 10)], "\n"), strings.Join(repaired.Dropped, "\n"))
		return "failed"
	}
	if have.equal(w.truth()) {
		return "complete"
	}
	return "partial"
}

// repairBeside repairs a directory in which the disk cannot read some file.
func repairBeside(t *testing.T, directory string, damages map[string]string) (salvage.Repaired, error) {
	t.Helper()
	for name, how := range damages {
		if how == unreadable {
			report := repairWith(t, directory, filepath.Join(directory, name), "read,pread64", "EIO")
			if report.Error != "" {
				return report.Repaired, errors.New(report.Error)
			}
			return report.Repaired, nil
		}
	}
	return repair(directory)
}

func repair(directory string) (salvage.Repaired, error) {
	return salvage.Repair(directory, counters.BuiltInKinds(), nil, storetest.Noon().Time())
}

// judge compares what a repair kept with what it must and may keep.
func (w *world) judge(t *testing.T, directory string, damages map[string]string, have state) (wrong []string) {
	t.Helper()
	deleted := copied(t, w.directory)
	defer os.RemoveAll(filepath.Dir(deleted))
	for name := range damages {
		if err := os.Remove(filepath.Join(deleted, name)); err != nil {
			t.Fatal(err)
		}
	}
	if least, err := stateOf(deleted); err == nil {
		for _, less := range have.below(least) {
			wrong = append(wrong, "less than a start without the damaged files: "+less)
		}
		for _, more := range w.truth().below(least) {
			wrong = append(wrong, "a start without the damaged files has more than was acknowledged: "+more)
		}
	}
	named := have.named(numbersOf(t, w.directory))
	for _, less := range named.below(w.readable(t, damages)) {
		wrong = append(wrong, "less than the good files tell: "+less)
	}
	for _, more := range w.truth().below(named) {
		wrong = append(wrong, "more than was acknowledged: "+more)
	}
	if report, err := salvage.Verify(directory, counters.BuiltInKinds()); err != nil || report.Missing != nil {
		wrong = append(wrong, fmt.Sprintf("verify says that something is missing: %v, %v", report.Missing, err))
	}
	return wrong
}

// judgeLife has a repaired directory repaired again and then live on.
func (w *world) judgeLife(t *testing.T, directory string, have state) (wrong []string) {
	t.Helper()
	expect := func(when string, want state) {
		t.Helper()
		if now, err := stateOf(directory); err != nil || !now.equal(want) {
			wrong = append(wrong, fmt.Sprintf("after %s, the counts are others (%v): %v and %v", when, err, now.below(want), want.below(now)))
		}
	}
	if err := os.RemoveAll(filepath.Join(directory, "before-repair-"+storetest.Noon().Time().Format("20060102T150405.000Z"))); err != nil {
		t.Fatal(err)
	}
	if _, err := repair(directory); err != nil {
		return append(wrong, fmt.Sprintf("a second repair: %v", err))
	}
	expect("a second repair", have)
	options := w.options()
	options.Directory = directory
	keeper := opened(t, options)
	record := storetest.Shown("after the repair", 1, 1, counters.HourOf(w.now)-5*24)
	ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), []storetest.Record{record}))
	if err := errors.Join(err, ticket.Wait(), keeper.Close()); err != nil {
		return append(wrong, fmt.Sprintf("a life: %v", err))
	}
	want := maps.Clone(have)
	want[cell{"ever", 0, record.Benefit, "show", 2, 1, 1}]++
	want[cell{"day", uint32(record.Hour.Day()), record.Benefit, "show", 2, 1, 1}]++
	want[cell{"hour", uint32(record.Hour), record.Benefit, "show", 0, 0, 0}]++
	expect("a life", want)
	return wrong
}

// What becomes of a file that is not there any more, and of one that the disk cannot read.
const (
	removed    = "removed"
	unreadable = "unreadable"
)

// spoiled damages one to three files of a directory, and says how. Now and then the disk
// cannot read another one, where a system call can be made to fail.
func spoiled(t *testing.T, random *rand.Rand, directory string) map[string]string {
	t.Helper()
	files := listed(t, directory)
	damages := map[string]string{}
	for range 1 + random.IntN(3) {
		kinds := slices.DeleteFunc([][]string{files.Snapshots, files.Journals, files.Days}, func(paths []string) bool { return len(paths) == 0 })
		paths := kinds[random.IntN(len(kinds))]
		path := paths[len(paths)-1-random.IntN(len(paths))*random.IntN(2)]
		if damages[filepath.Base(path)] != removed {
			damages[filepath.Base(path)] = spoil(t, random, path)
		}
	}
	if everyReadFails := random.IntN(20) == 0; everyReadFails && traceable() == nil {
		paths := slices.Concat(files.Snapshots, files.Journals, files.Days)
		if name := filepath.Base(paths[random.IntN(len(paths))]); damages[name] == "" {
			damages[name] = unreadable
		}
	}
	return damages
}

func spoil(t *testing.T, random *rand.Rand, path string) (how string) {
	t.Helper()
	if random.IntN(5) == 0 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return removed
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := max(1, len(strings.TrimRight(string(data), "\x00")))
	at := random.IntN(min(used, max(1, len(data))))
	switch {
	case len(data) == 0:
		return "left empty"
	case random.IntN(3) == 0:
		how, data = fmt.Sprintf("cut off at %d of %d", at, len(data)), data[:at]
	case random.IntN(2) == 0:
		end := at + 1 + random.IntN(len(data)-at)
		how = fmt.Sprintf("zeros from %d to %d", at, end)
		clear(data[at:end])
	default:
		how = fmt.Sprintf("a flipped bit at %d", at)
		data[at] ^= 1 << random.IntN(8)
	}
	if err := os.WriteFile(path, data, 0o640); err != nil {
		t.Fatal(err)
	}
	return how
}
