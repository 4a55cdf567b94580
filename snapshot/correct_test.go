package snapshot_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/correction"
)

// A counter is one number of a directory, in words.
type counter struct {
	kind    counters.Kind
	day     counters.Day
	undated bool
	benefit string
	what    string // event type, version and position; or the detail, with its text
}

// ledger are all numbers of a directory, of every kind.
type ledger map[counter]uint64

// ledgerOf reads a directory by its export, which knows every kind; texts need the store.
func ledgerOf(t testing.TB, directory string) ledger {
	t.Helper()
	keeper := opened(t, options(directory))
	words := keeper.Store().Words.Names()
	closed(t, keeper)
	found := ledger{}
	err := snapshot.Export(directory, counters.BuiltInKinds(), 0, counters.MaxDay+1, func(e snapshot.Exported) error {
		rule, _ := counters.BuiltInKinds().Rule(e.Kind)
		for _, cell := range e.Cells {
			at := counter{kind: e.Kind, day: e.Day, undated: e.Undated, benefit: e.Benefit}
			if detail := cell.Key.Detail(); rule.Detailed {
				at.what = fmt.Sprint(detail.Level, detail.Field)
				if detail.Word > 0 {
					at.what += words[detail.Word-1]
				}
			} else {
				total, index := cell.Key.Position()
				at.what = fmt.Sprint(e.Events[cell.Key.Event()-1], cell.Key.Version(), total, index)
			}
			if rule.Overall {
				at.benefit = ""
			}
			found[at] += cell.Count
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (l ledger) corrected(becomes func(counter) (string, bool)) ledger {
	after := ledger{}
	for at, count := range l {
		name, stays := becomes(at)
		if at.benefit == "" && stays { // of no benefit
			name = ""
		}
		if at.benefit = name; stays {
			after[at] += count
		}
	}
	return after
}

func (l ledger) expect(t testing.TB, name string, want ledger) {
	t.Helper()
	if maps.Equal(l, want) {
		return
	}
	for at, count := range want {
		if l[at] != count {
			t.Errorf("%s: have %d, want %d: %+v", name, l[at], count, at)
			return
		}
	}
	for at, count := range l {
		if want[at] == 0 {
			t.Errorf("%s: have %d, want none: %+v", name, count, at)
			return
		}
	}
}

// anyDirectory has closed days, late records for these, open days, undated counts and
// sums over visitors, of which a journal alone has some.
func anyDirectory(t testing.TB, random *rand.Rand) (directory string, model storetest.Model) {
	t.Helper()
	directory, model = t.TempDir(), storetest.Model{}
	for range 1 + random.IntN(3) {
		ofLife := options(directory)
		if random.IntN(2) == 0 {
			ofLife.MaxEventAge = 1 // nearly all days are closed
		}
		keeper := opened(t, ofLife)
		for range random.IntN(4) {
			batch := storetest.RandomBatch(random, 60)
			model.Add(batch)
			record(t, keeper, batch)
		}
		closed(t, keeper)
		addBeside(t, directory, random)
	}
	keeper := opened(t, options(directory))
	batch := storetest.RandomBatch(random, 60)
	model.Add(batch)
	record(t, keeper, batch)
	left := crashed(t, directory)
	closed(t, keeper)
	return left, model
}

// addBeside adds undated counts, and counts of kinds to which records add nothing.
func addBeside(t testing.TB, directory string, random *rand.Rand) {
	t.Helper()
	session, err := snapshot.OpenImport(options(directory))
	if err != nil {
		t.Fatal(err)
	}
	store := session.Store()
	benefit, key := storetest.Number(t, store, storetest.RandomBatch(random, 1)[0])
	word, err := store.Words.Number(fmt.Appendf(nil, "text %d", random.IntN(3)))
	if err != nil {
		t.Fatal(err)
	}
	detail := counters.Detail{Word: uint16(word) + 1, Level: 2, Field: 3}.Key()
	day := storetest.Noon().Day() - counters.Day(random.IntN(3))
	for _, one := range []struct {
		part    counters.Part
		benefit counters.Benefit
		key     counters.Key
	}{
		{counters.Part{Kind: counters.Positions, Day: counters.Past}, benefit, key},
		{counters.Part{Kind: counters.Visitors, Day: day}, 0, detail},
		{counters.Part{Kind: counters.VisitorsByBenefit, Day: day}, benefit, detail},
	} {
		cells := []counters.Cell{{Key: one.key, Count: 1 + random.Uint64N(9)}}
		if err := store.Restore(one.part, one.benefit, cells); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(session.Commit(snapshot.Imports{}), session.Close()); err != nil {
		t.Fatal(err)
	}
}

// A plan is a correction and what it must do, in words.
type plan struct {
	name    string
	what    correction.Correction
	becomes func(counter) (string, bool)
}

func planOf(t testing.TB, random *rand.Rand) plan {
	t.Helper()
	old, new := fmt.Sprintf("benefit-%d", random.IntN(40)), fmt.Sprintf("benefit-%d", random.IntN(50))
	if new == old {
		new = "another"
	}
	from := storetest.Noon().Day() - counters.Day(random.IntN(4))
	to := from + 1 + counters.Day(random.IntN(3))
	within := func(at counter) bool { return !at.undated && at.day >= from && at.day < to }
	made := plan{}
	var err error
	switch random.IntN(4) {
	case 0:
		made.name = fmt.Sprintf("rename %s %s", old, new)
		made.what, err = correction.Rename(old, new)
		made.becomes = func(at counter) (string, bool) {
			if at.benefit == old {
				return new, true
			}
			return at.benefit, true
		}
	case 1:
		made.name = "drop " + old
		made.what, err = correction.Drop(old, 0, counters.MaxDay+1)
		made.becomes = func(at counter) (string, bool) { return at.benefit, at.benefit != old }
	case 2:
		made.name = fmt.Sprintf("drop %s --from %s --to %s", old, from, to)
		made.what, err = correction.Drop(old, from, to)
		made.becomes = func(at counter) (string, bool) { return at.benefit, at.benefit != old || !within(at) }
	case 3:
		made.name = fmt.Sprintf("drop --from %s --to %s", from, to)
		made.what, err = correction.Drop("", from, to)
		made.becomes = func(at counter) (string, bool) { return at.benefit, !within(at) }
	}
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestACorrectionLeavesWhatAnOracleSays corrects random directories in random ways, one
// after the other, and undoes each second one.
func TestACorrectionLeavesWhatAnOracleSays(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for range 6 {
		directory, _ := anyDirectory(t, random)
		for range 4 {
			plan := planOf(t, random)
			before := ledgerOf(t, directory)
			want := before.corrected(plan.becomes)
			rehearsed, rehearsalError := snapshot.RehearseCorrection(options(directory), plan.what)
			ledgerOf(t, directory).expect(t, plan.name+", rehearsed", before)
			corrected, err := snapshot.Correct(options(directory), plan.what)
			if fmt.Sprint(corrected, err) != fmt.Sprint(rehearsed, rehearsalError) {
				t.Errorf("%s: %+v, %v; and rehearsed %+v, %v", plan.name, corrected, err, rehearsed, rehearsalError)
			}
			if nothing := maps.Equal(want, before); nothing != errors.Is(err, snapshot.ErrNothingToCorrect) || !nothing && err != nil {
				t.Fatalf("%s: %v, and it changes nothing: %v", plan.name, err, nothing)
			}
			ledgerOf(t, directory).expect(t, plan.name, want)
			if err == nil && random.IntN(2) == 0 {
				undone, err := snapshot.Undo(options(directory))
				if err != nil || undone.Now != corrected.After || undone.Before != corrected.Before {
					t.Errorf("%s, undone: %+v, %v; it was %+v", plan.name, undone, err, corrected)
				}
				ledgerOf(t, directory).expect(t, plan.name+", undone", before)
			}
		}
	}
}

// TestAServerCountsOnAfterACorrection closes days that were corrected and takes late
// records for them.
func TestAServerCountsOnAfterACorrection(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	directory, _ := anyDirectory(t, random)
	what, err := correction.Rename("benefit-1", "benefit-2")
	if err != nil {
		t.Fatal(err)
	}
	lived(t, directory, []storetest.Record{{Benefit: "benefit-1", Event: "event-1", Version: 2, PageTotal: 3, Index: 1, Hour: storetest.Noon() - 48}})
	want := ledgerOf(t, directory).corrected(func(at counter) (string, bool) {
		if at.benefit == "benefit-1" {
			return "benefit-2", true
		}
		return at.benefit, true
	})
	if _, err := snapshot.Correct(options(directory), what); err != nil {
		t.Fatal(err)
	}
	ofLife := options(directory)
	ofLife.MaxEventAge = 1
	for _, name := range []string{"benefit-1", "benefit-2"} {
		keeper := opened(t, ofLife)
		at := storetest.Record{Benefit: name, Event: "event-1", Version: 2, PageTotal: 3, Index: 1, Hour: storetest.Noon() - 48}
		record(t, keeper, []storetest.Record{at})
		closed(t, keeper)
		for _, kind := range []counters.Kind{counters.Positions, counters.Hours} {
			what := fmt.Sprint("event-1", 2, 3, 1)
			if kind == counters.Hours {
				total, index := counters.TotalKey(1).AtHour(at.Hour).Position()
				what = fmt.Sprint("event-1", 0, total, index)
			}
			want[counter{kind: kind, day: at.Hour.Day(), benefit: name, what: what}]++
		}
	}
	ledgerOf(t, directory).expect(t, "counted on", want)
	if _, err := snapshot.Undo(options(directory)); !errors.Is(err, snapshot.ErrCountedSince) {
		t.Errorf("undo: %v", err)
	}
}

// TestMergedDirectoriesHaveWhatBothHad merges random directories, whose numbers of names
// differ, and undoes it.
func TestMergedDirectoriesHaveWhatBothHad(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for range 4 {
		here, _ := anyDirectory(t, random)
		there, _ := anyDirectory(t, random)
		before, other := ledgerOf(t, here), ledgerOf(t, there)
		want := maps.Clone(before)
		for at, count := range other {
			want[at] += count
		}
		m := snapshot.Merging{From: there, SourceOf: func(identity string) string { return "export:" + identity }}
		rehearsal := m
		rehearsal.Rehearse = true
		if _, err := snapshot.Merge(options(here), rehearsal); err != nil {
			t.Fatal(err)
		}
		ledgerOf(t, here).expect(t, "rehearsed", before)
		if _, err := snapshot.Merge(options(here), m); err != nil {
			t.Fatal(err)
		}
		ledgerOf(t, here).expect(t, "merged", want)
		ledgerOf(t, there).expect(t, "the other", other)
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(here)); err != nil {
			t.Fatal(err)
		}
		for name, again := range map[string][2]string{"again": {here, there}, "back": {there, here}, "itself": {here, copied}} {
			m := snapshot.Merging{From: again[1], SourceOf: m.SourceOf}
			if _, err := snapshot.Merge(options(again[0]), m); !errors.Is(err, snapshot.ErrMerged) {
				t.Errorf("%s: %v, want %v", name, err, snapshot.ErrMerged)
			}
		}
		if _, err := snapshot.Undo(options(here)); err != nil {
			t.Fatal(err)
		}
		ledgerOf(t, here).expect(t, "undone", before)
	}
}

func TestADirectoryOfAClusterIsNotCorrected(t *testing.T) {
	t.Parallel()
	directory, other := t.TempDir(), t.TempDir()
	lived(t, other, storetest.Page(4, storetest.Noon()))
	keeper := opened(t, options(directory))
	record(t, keeper, storetest.Page(4, storetest.Noon()))
	joinCluster(t, keeper)
	closed(t, keeper)
	what, err := correction.Drop("", storetest.Noon().Day(), storetest.Noon().Day()+1)
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, directory)
	if _, err := snapshot.Correct(options(directory), what); !errors.Is(err, snapshot.ErrInCluster) {
		t.Errorf("correct: %v", err)
	}
	for _, pair := range [][2]string{{directory, other}, {other, directory}} {
		m := snapshot.Merging{From: pair[1], SourceOf: filepath.Base}
		if _, err := snapshot.Merge(options(pair[0]), m); !errors.Is(err, snapshot.ErrInCluster) {
			t.Errorf("merge: %v", err)
		}
	}
	for name, undo := range map[string]func(snapshot.Options) (snapshot.Undone, error){"undo": snapshot.Undo, "its rehearsal": snapshot.RehearseUndo} {
		if _, err := undo(options(directory)); !errors.Is(err, snapshot.ErrTold) {
			t.Errorf("%s: %v", name, err)
		}
	}
	expectUntouched(t, directory, before)
}

// joinCluster has a directory know something of a log.
func joinCluster(t testing.TB, keeper *snapshot.Keeper) {
	t.Helper()
	ticket, err := keeper.Merge(cluster.Note{})
	if err := errors.Join(err, ticket.Wait()); err != nil {
		t.Fatal(err)
	}
}

// TestACorrectionOfTheFirstBenefitLeavesWhatIsOfNone is about counts that stand under number
// 0 because they are of no benefit.
func TestACorrectionOfTheFirstBenefitLeavesWhatIsOfNone(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	if number, err := store.Benefits.Number([]byte("rsa")); number != 0 || err != nil {
		t.Fatalf("the first benefit has number %d, %v", number, err)
	}
	what, err := correction.Drop("rsa", 0, counters.MaxDay+1)
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := what.In(store)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[counters.Kind]bool{
		counters.Positions: false, counters.Hours: false, counters.VisitorsByBenefit: false, counters.Visitors: true, counters.Oddities: true,
	} {
		if to, stays := mapping.Becomes(counters.Part{Kind: kind, Day: 20_000}, 0); stays != want || (stays && to != 0) {
			t.Errorf("kind %d: what number 0 has stays is %v, as %d; want %v", kind, stays, to, want)
		}
	}
}
