package salvage

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// FileReport says what one file holds.
type FileReport struct {
	Path string
	// Covers are the commits in it, as text.
	Covers string
	// State is "good", or what is wrong and whether that matters.
	State string
	Bytes int64
}

// What begins the State of a file that is not what was written, is of another version of
// the program, or of another directory.
const (
	damagedState = "DAMAGED: "
	unknownState = "UNKNOWN VERSION: "
	foreignState = "FOREIGN: "
)

// stateOf is the State of a file that cannot be used.
func stateOf(err error) string {
	switch {
	case errors.Is(err, format.ErrVersion):
		return unknownState + err.Error()
	case errors.Is(err, format.ErrForeign):
		return foreignState + err.Error()
	default:
		return damagedState + err.Error()
	}
}

// Report is what Verify found.
type Report struct {
	Files []FileReport
	// Recovery is what a start would find.
	Recovery recovery.Summary
	// Missing is nil when everything acknowledged is there. Otherwise it says
	// what is not, or why that cannot be known.
	Missing error
	// Importing is the import that waits for the node; nil for none.
	Importing *Importing
	// Membership is what the directory knows of the log that it shares with other nodes;
	// nil for nothing.
	Membership *cluster.Membership
}

// Importing is an import that waits to be told to other nodes.
type Importing struct {
	// Since is when its file was written.
	Since time.Time
	// Damage is why nobody can make it; nil if somebody can.
	Damage error
}

// Needless is how many files are damaged though nothing is missing.
func (r Report) Needless() (files int) {
	for _, file := range r.Files {
		if r.Missing == nil && strings.HasPrefix(file.State, damagedState) {
			files++
		}
	}
	return files
}

// Verify reads every file of a data directory, whose counts are of the given kinds, and
// changes nothing. It returns disk.ErrLocked while a server runs on it. What is wrong
// with the files is in the report, not in the error.
func Verify(directory string, kinds counters.Kinds) (Report, error) {
	unlock, err := disk.LockForReading(directory)
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	files, err := disk.List(directory)
	if err != nil {
		return Report{}, err
	}
	state, err := recovery.Find(directory, func() *counters.Store { return counters.NewStoreOf(kinds, counters.WhenDurable) })
	owner := recovery.IdentityOf(files)
	var report Report
	for _, path := range files.Snapshots {
		report.Files = append(report.Files, verifySnapshot(path, kinds, owner))
	}
	for i, path := range files.Journals {
		report.Files = append(report.Files, verifyJournal(path, owner, nextCommit(files.Journals[i+1:], state), slices.Contains(state.Torn, path)))
	}
	days, damaged := verifyDays(directory, kinds, files.Days, state.Loaded.Manifest, owner)
	report.Files = append(report.Files, days...)
	for _, path := range slices.Concat(files.Temporary, files.Damaged, files.Closing) {
		report.Files = append(report.Files, FileReport{
			Path: path, Covers: "nothing", State: "not used by a start", Bytes: disk.Sizes(path),
		})
	}
	for _, path := range files.Importing {
		importing, file := verifyImporting(path)
		report.Importing, report.Files = &importing, append(report.Files, file)
	}
	report.Membership = state.Membership
	report.Recovery, report.Missing = state.Summary, errors.Join(err, state.Lost, damaged)
	return report, nil
}

func verifyImporting(path string) (importing Importing, report FileReport) {
	report = FileReport{Path: path, Bytes: disk.Sizes(path), Covers: "an import", State: "waits for the node"}
	if info, err := os.Stat(path); err == nil {
		importing.Since = info.ModTime()
	}
	if _, importing.Damage = recovery.ReadImporting(path); importing.Damage != nil {
		report.State = "set aside by the next start: " + importing.Damage.Error()
	}
	return importing, report
}

// nextCommit is the first commit of the journal files that follow another, 0 for none:
// only the newest that counts can end in a write that was cut short.
func nextCommit(following []string, state *recovery.State) uint64 {
	if len(following) == 0 || slices.Contains(state.Torn, following[0]) {
		return 0
	}
	return disk.JournalSequence(following[0])
}

func verifySnapshot(path string, kinds counters.Kinds, owner format.Identity) FileReport {
	report := FileReport{Path: path, Bytes: disk.Sizes(path), State: "good"}
	report.Covers = fmt.Sprintf("commits up to %d", disk.SnapshotSequence(path))
	loaded, err := recovery.CheckSnapshot(path, kinds)
	if err == nil {
		err = recovery.CheckOwner(path, owner)
	}
	if err != nil {
		report.State = stateOf(err)
		return report
	}
	report.State = "good, written " + loaded.Header.Written.UTC().Format(time.RFC3339)
	return report
}

// verifyJournal gets the first commit of the next journal file, 0 for none, and whether
// the power was lost before anything in this file was durable.
func verifyJournal(path string, owner format.Identity, next uint64, isTorn bool) FileReport {
	report := FileReport{Path: path, Bytes: disk.Sizes(path), Covers: "unknown"}
	scan, err := recovery.ScanJournal(path)
	if err == nil {
		err = recovery.CheckOwner(path, owner)
	}
	if err != nil {
		report.State = stateOf(err)
		return report
	}
	report.Covers = "no commits"
	if len(scan.Frames) > 0 {
		report.Covers = fmt.Sprintf("commits %d to %d", scan.First, scan.Last())
	}
	switch {
	case isTorn:
		report.State = "not used by a start: the power was lost before it was durable"
	case scan.Damage != nil:
		report.State = damagedState + scan.Damage.Error()
	case scan.Tail > 0 && next > scan.Last()+1:
		report.State = fmt.Sprintf(damagedState+"the %d bytes at offset %d hold no good frame, want commits %d to %d",
			scan.Tail, scan.End, scan.Last()+1, next-1)
	case scan.Tail > 0:
		report.State = fmt.Sprintf("good, with %d bytes of a write that was cut short at offset %d, never acknowledged",
			scan.Tail, scan.End)
	default:
		report.State = "good"
	}
	return report
}

// verifyDays reads the files of closed days, and says which of those that the newest
// state needs are damaged.
func verifyDays(directory string, kinds counters.Kinds, paths []string, m *format.Manifest, owner format.Identity) (reports []FileReport, damaged error) {
	needed := map[string]format.ClosedDay{}
	if m != nil {
		for _, closed := range m.Days {
			needed[recovery.DayPath(directory, closed)] = closed
		}
	}
	for _, path := range paths {
		report := FileReport{Path: path, Bytes: disk.Sizes(path), Covers: "day " + recovery.DayOf(path).Day.String(), State: "good"}
		closed, isNeeded := needed[path]
		if foreign := recovery.CheckOwner(path, owner); !isNeeded && foreign != nil {
			report.State = stateOf(foreign)
		} else if !isNeeded {
			report.State = "not used by a start"
		} else if err := recovery.CheckDay(path, kinds, closed); err != nil {
			report.State = stateOf(err)
			damaged = errors.Join(damaged, err)
		}
		reports = append(reports, report)
	}
	return reports, damaged
}
