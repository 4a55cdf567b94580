package command

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stats-recorder/exchange/importer"
	"stats-recorder/snapshot"
)

// overlap says what becomes of documents that were imported before.
type overlap int

const (
	refuse     overlap = iota // of all that is to be imported, nothing is
	leaveOut                  // the others are imported
	countAgain                // they count once more
)

// What makes an import refuse documents that may have been counted already.
var (
	errImportedBefore = errors.New("imported before")
	errCannotTell     = errors.New("which of the documents are new cannot be told")
	errOwnExport      = errors.New("this is an export")
	errTwice          = errors.New("the same documents are there twice")
)

// importedNow is what an import has read, before it counts.
type importedNow struct {
	session *snapshot.Import
	summary importer.Summary
	overlap overlap
	source  string // as --source names it
}

// coveredBy are the ranges of what was imported before.
func coveredBy(imports snapshot.Imports) map[string][]importer.Range {
	covered := map[string][]importer.Range{}
	for _, source := range imports.Sources {
		for _, r := range source.Ranges {
			covered[source.Name] = append(covered[source.Name], importer.Range{
				First: r.First, Last: r.Last, Documents: r.Documents, Sum: r.Sum,
			})
		}
	}
	return covered
}

// check refuses what may count twice, unless that is asked for.
func (n importedNow) check() error {
	for _, input := range n.summary.Inputs {
		if input.Read == 0 {
			return fmt.Errorf("%q holds no documents; did the export fail?", input.Path)
		}
	}
	if n.overlap == countAgain {
		return nil
	}
	for _, check := range []func() error{n.checkContent, n.checkAnswers, n.checkOrigins, n.checkTwice, n.checkUntold, n.checkRanges} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkContent refuses inputs whose content was imported as a whole.
func (n importedNow) checkContent() error {
	seen := map[importer.Fingerprint]string{}
	for _, input := range n.summary.Inputs {
		before, found := n.session.Before(input.Fingerprint)
		isLeftOut := n.overlap == leaveOut && n.summary.Covered > 0 && n.summary.Unplaced == 0
		if found && !isLeftOut {
			return fmt.Errorf("%q: %w, on %s; use --force to count it twice", input.Path, errImportedBefore, dateTime(before.At))
		}
		if twin, found := seen[input.Fingerprint]; found {
			return fmt.Errorf("%q has the same content as %q; use --force to count it twice", input.Path, twin)
		}
		seen[input.Fingerprint] = input.Path
	}
	if n.overlap == leaveOut && n.summary.Unplaced > 0 {
		return fmt.Errorf("%w: %d of them have no ObjectId as _id, which would say when they were made; "+
			"import these alone, and without --continue, if none was imported before; --force counts all of them", errCannotTell, n.summary.Unplaced)
	}
	return nil
}

// checkOrigins refuses rows of this directory itself, and rows that came to it, or may
// have, by another way.
func (n importedNow) checkOrigins() error {
	for _, source := range n.summary.Sources {
		if source.Origin == nil {
			continue
		}
		if err := n.checkOrigin(*source.Origin); err != nil {
			return err
		}
	}
	return nil
}

func (n importedNow) checkOrigin(origin importer.Origin) error {
	own := n.session.Identity()
	if n.session.Shares(origin.Directory) || n.session.IsTold() && slices.Contains(origin.Holds, n.session.Log()) {
		return fmt.Errorf("%w of a node that this one counts with: what it has is here already", errOwnExport)
	}
	if own != "" && origin.Directory == own {
		return fmt.Errorf("%w of this data directory itself, up to its commit %d, and it is at %d: all of that is here already; "+
			"import it elsewhere, or use --force to count it twice", errOwnExport, origin.Commit, n.session.Sequence())
	}
	before := n.session.Imports()
	ranges, known := rangesOf(before, importer.ExportSource(origin.Directory))
	if known && ranges == 0 {
		return fmt.Errorf("%w: the counts of data directory %s came here in an export of another one; use --force to count them twice",
			errImportedBefore, origin.Directory)
	}
	for _, held := range origin.Holds {
		there, isHeld := rangesOf(before, importer.ExportSource(held))
		isContent := slices.ContainsFunc(before.List, func(one snapshot.Imported) bool { return hex.EncodeToString(one.Fingerprint[:]) == held })
		if (own != "" && held == own) || there > 0 || isContent || (isHeld && !known) {
			return fmt.Errorf("%w: the export of data directory %s also has counts that it imported, and these are here already (%s); "+
				"use --force to count them twice", errImportedBefore, origin.Directory, held)
		}
	}
	return nil
}

// rangesOf is how many ranges of a source are remembered, and whether anything is.
func rangesOf(imports snapshot.Imports, name string) (ranges int, known bool) {
	for _, source := range imports.Sources {
		if source.Name == name {
			return len(source.Ranges), true
		}
	}
	return 0, false
}

// checkTwice refuses what is there more than once in the inputs themselves.
func (n importedNow) checkTwice() error {
	if n.summary.Again == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d of the %d have the _id, or the place in an export, of another; import one dump after the other, "+
		"the later ones with --continue, or use --force to count them twice", errTwice, n.summary.Again, n.summary.Read)
}

// checkUntold refuses documents that are older than an import of a program that
// remembered only the content as a whole.
func (n importedNow) checkUntold() error {
	untold := n.session.Imports().List[:n.untold()]
	if len(untold) == 0 || n.source != "" {
		return nil
	}
	last := slices.MaxFunc(untold, func(a, b snapshot.Imported) int { return a.At.Compare(b.At) }).At
	for _, source := range n.summary.Sources {
		for _, r := range source.New {
			if first := importer.KeyTime(r.First); !first.After(last) {
				return fmt.Errorf("%w: they begin on %s, and what was imported until %s by an earlier version of this program is not "+
					"known one by one; use --source NAME if they come from another database, or --force if none of them was imported before",
					errCannotTell, first.Format(time.DateOnly), dateTime(last))
			}
		}
	}
	return nil
}

// untold is how many of the first imports tell of no ranges.
func (n importedNow) untold() int {
	imports := n.session.Imports()
	if imports.Sequence == 0 && len(imports.Sources) == 0 {
		return len(imports.List)
	}
	return imports.Untold
}

// checkRanges refuses documents of earlier imports, or, where these are to be left out,
// those that cannot be told apart from new ones.
func (n importedNow) checkRanges() error {
	covered := coveredBy(n.session.Imports())
	for _, source := range n.summary.Sources {
		for i, known := range source.Known {
			before := covered[source.Name][i]
			if known.Documents > 0 && (known.Documents != before.Documents || known.Sum != before.Sum) {
				return fmt.Errorf("%w: %s", errCannotTell, describeChange(source, known, before, covered[source.Name]))
			}
		}
	}
	if n.overlap == refuse && n.summary.Covered > 0 {
		return fmt.Errorf("%w: %d of %s; use --continue to import the other %d alone, with --dry-run to see what they are, "+
			"or --force to count all of them", errImportedBefore, n.summary.Covered, several(n.summary.Read, "document"), n.summary.Read-n.summary.Covered)
	}
	return nil
}

// describeChange says how the documents of a range differ from those that were
// imported, and what to do.
func describeChange(source importer.Source, known, before importer.Range, covered []importer.Range) string {
	first, last := importer.KeyTime(before.First), importer.KeyTime(before.Last)
	newest := covered[len(covered)-1]
	if strings.HasPrefix(source.Name, importer.ExportSource("")) {
		return fmt.Sprintf("the rows of the days %s to %s are not those that were imported, because more was counted there since; "+
			"export --from a later day leaves them out; or go back with import --undo, and import all; --force counts all of them",
			day(before.First), day(before.Last))
	}
	have := fmt.Sprintf("%d", known.Documents)
	if known.Documents == before.Documents {
		have = "others"
	}
	return fmt.Sprintf("%d were imported with an _id made from %s to %s, and here are %s in that time; dump those that came since alone, with "+
		`--query '{"_id":{"$gt":{"$oid":"%s"}}}'; or go back with import --undo, and import all; or use --source NAME if they come from another database; `+
		"--force counts all of them",
		before.Documents, dateTime(first), dateTime(last), have, hex.EncodeToString(newest.Last[:]))
}

func day(key importer.Key) string {
	if day := importer.KeyTime(key); day.Year() < 10000 {
		return day.Format(time.DateOnly)
	}
	return "unknown"
}

func dateTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// fresh are the imports that are to be remembered because of this one.
func (n importedNow) fresh() (imports snapshot.Imports) {
	for _, input := range n.summary.Inputs {
		imports.List = append(imports.List, snapshot.Imported{Fingerprint: input.Fingerprint, At: time.Now(), Documents: input.Read})
	}
	for _, source := range n.summary.Sources {
		made := snapshot.ImportSource{Name: source.Name}
		for _, r := range source.New {
			made.Ranges = append(made.Ranges, snapshot.ImportRange{First: r.First, Last: r.Last, Documents: r.Documents, Sum: r.Sum})
		}
		imports.Sources = append(imports.Sources, made)
		if source.Origin == nil {
			continue
		}
		for _, held := range source.Origin.Holds {
			imports.Sources = append(imports.Sources, snapshot.ImportSource{Name: importer.ExportSource(held)})
		}
	}
	return imports
}

// remembered are the imports that the directory is to remember from now on.
func (n importedNow) remembered() snapshot.Imports {
	after := n.session.Imports().With(n.fresh())
	after.Untold, after.Events = n.untold(), n.session.Events()+n.summary.Events
	return after
}

// commit has the import count: here at once or, where the directory counts with others, once
// the log has it.
func (n importedNow) commit() error {
	if n.session.IsTold() {
		return n.session.Tell(n.fresh())
	}
	return n.session.Commit(n.remembered())
}
