package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"stats-recorder/counters"
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

// damagedState begins the State of a file that is not what was written.
const damagedState = "DAMAGED: "

// Report is what Verify found.
type Report struct {
	Files []FileReport
	// Recovery is what a start would find.
	Recovery Recovery
	// Missing is nil when everything acknowledged is there. Otherwise it says
	// what is not, or why that cannot be known.
	Missing error
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

// Verify reads every file of a data directory and changes nothing. It returns
// ErrLocked while a server runs on it. What is wrong with the files is in the
// report, not in the error.
func Verify(directory string) (Report, error) {
	unlock, err := lockForReading(directory)
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	files, err := list(directory)
	if err != nil {
		return Report{}, err
	}
	var report Report
	for _, path := range files.snapshots {
		report.Files = append(report.Files, verifySnapshot(path))
	}
	for i, path := range files.journals {
		var next uint64
		if i+1 < len(files.journals) {
			next, _ = parseName(files.journals[i+1], journalPrefix)
		}
		report.Files = append(report.Files, verifyJournal(path, next))
	}
	r := &recoverer{directory: directory, visibility: counters.WhenDurable}
	err = r.run()
	segments, damaged := verifySegments(directory, files.segments, r.manifest)
	report.Files = append(report.Files, segments...)
	for _, path := range append(files.temporary, files.damaged...) {
		report.Files = append(report.Files, FileReport{
			Path: path, Covers: "nothing", State: "not used by a start", Bytes: fileSize(path),
		})
	}
	report.Recovery, report.Missing = r.Recovery, errors.Join(err, r.lost, damaged)
	return report, nil
}

// lockForReading keeps a server from starting meanwhile, without making a file.
func lockForReading(directory string) (unlock func(), err error) {
	path := filepath.Join(directory, "LOCK")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, plain(err))
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%w: %q; stop the server first", ErrLocked, path)
	}
	return func() { file.Close() }, nil
}

func verifySnapshot(path string) FileReport {
	report := FileReport{Path: path, Bytes: fileSize(path), State: "good"}
	named, _ := parseName(path, snapshotPrefix)
	report.Covers = fmt.Sprintf("commits up to %d", named)
	loaded, err := checkSnapshot(path)
	if err != nil {
		report.State = damagedState + err.Error()
		return report
	}
	report.State = "good, written " + loaded.header.written.UTC().Format(time.RFC3339)
	return report
}

// verifyJournal gets the first commit of the next journal file, 0 for none:
// only the newest file can end in a write that was cut short.
func verifyJournal(path string, next uint64) FileReport {
	report := FileReport{Path: path, Bytes: fileSize(path), Covers: "unknown"}
	scan, err := scanJournal(path)
	if err != nil {
		report.State = damagedState + err.Error()
		return report
	}
	report.Covers = "no commits"
	if len(scan.frames) > 0 {
		report.Covers = fmt.Sprintf("commits %d to %d", scan.first, scan.last())
	}
	switch {
	case scan.damage != nil:
		report.State = damagedState + scan.damage.Error()
	case scan.tail > 0 && next > scan.last()+1:
		report.State = fmt.Sprintf(damagedState+"the %d bytes at offset %d hold no good frame, want commits %d to %d",
			scan.tail, scan.end, scan.last()+1, next-1)
	case scan.tail > 0:
		report.State = fmt.Sprintf("good, with %d bytes of a write that was cut short at offset %d, never acknowledged",
			scan.tail, scan.end)
	default:
		report.State = "good"
	}
	return report
}

// verifySegments reads the files of closed days, and says which of those that
// the newest state needs are damaged.
func verifySegments(directory string, paths []string, m *manifest) (reports []FileReport, damaged error) {
	needed := map[string]segment{}
	if m != nil {
		for _, s := range m.segments {
			needed[s.path(directory)] = s
		}
	}
	for _, path := range paths {
		s, _ := parseSegmentName(path)
		report := FileReport{Path: path, Bytes: fileSize(path), Covers: "day " + s.day.String(), State: "good"}
		known, isNeeded := needed[path]
		if !isNeeded {
			report.State = "not used by a start"
		} else if err := known.check(path); err != nil {
			report.State = damagedState + err.Error()
			damaged = errors.Join(damaged, err)
		}
		reports = append(reports, report)
	}
	return reports, damaged
}

// fileSize is 0 for a file that cannot be looked at; reading it will say why.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
