package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	snapshotPrefix  = "snapshot-"
	journalPrefix   = "journal-"
	segmentPrefix   = "day-"
	temporarySuffix = ".tmp"
	damagedSuffix   = ".damaged"
)

func snapshotPath(directory string, sequence uint64) string {
	return filepath.Join(directory, fmt.Sprintf("%s%016x", snapshotPrefix, sequence))
}

func journalPath(directory string, sequence uint64) string {
	return filepath.Join(directory, fmt.Sprintf("%s%016x", journalPrefix, sequence))
}

// parseName returns the sequence number in the name of a file of the kind that
// the prefix says, and whether it is one.
func parseName(path, prefix string) (sequence uint64, ok bool) {
	digits, found := strings.CutPrefix(filepath.Base(path), prefix)
	if !found || len(digits) != 16 {
		return 0, false
	}
	sequence, err := strconv.ParseUint(digits, 16, 64)
	return sequence, err == nil
}

// contents are the files of a data directory by kind, in the order of their
// sequence numbers.
type contents struct {
	snapshots, journals, segments, temporary, damaged []string
}

// list reads a data directory. Files that are none of ours are left out.
func list(directory string) (contents, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return contents{}, fmt.Errorf("read directory %q: %w", directory, plain(err))
	}
	var c contents
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		_, isSnapshot := parseName(path, snapshotPrefix)
		_, isJournal := parseName(path, journalPrefix)
		_, isSegment := parseSegmentName(path)
		switch {
		case isSnapshot:
			c.snapshots = append(c.snapshots, path)
		case isSegment:
			c.segments = append(c.segments, path)
		case isJournal:
			c.journals = append(c.journals, path)
		case strings.HasSuffix(path, temporarySuffix):
			c.temporary = append(c.temporary, path)
		case strings.HasSuffix(path, damagedSuffix):
			c.damaged = append(c.damaged, path)
		}
	}
	slices.Sort(c.snapshots)
	slices.Sort(c.journals)
	slices.Sort(c.segments)
	return c, nil
}
