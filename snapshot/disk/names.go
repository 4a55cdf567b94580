package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	snapshotPrefix  = "snapshot-"
	journalPrefix   = "journal-"
	dayPrefix       = "day-"
	closingPrefix   = "closing-"
	importingName   = "importing"
	temporarySuffix = ".tmp"
	damagedSuffix   = ".damaged"
)

// SnapshotPath is the file of the snapshot of all commits up to a sequence number.
func SnapshotPath(directory string, sequence uint64) string {
	return filepath.Join(directory, fmt.Sprintf("%s%016x", snapshotPrefix, sequence))
}

// JournalPath is the journal file of the commits from a sequence number on.
func JournalPath(directory string, sequence uint64) string {
	return filepath.Join(directory, fmt.Sprintf("%s%016x", journalPrefix, sequence))
}

// DayPath is the file of a generation of a closed day, in days since 1970-01-01.
// Generations of a day sort by it.
func DayPath(directory string, day uint32, generation uint64) string {
	date := time.Unix(int64(day)*secondsOfDay, 0).UTC().Format(time.DateOnly)
	return filepath.Join(directory, fmt.Sprintf("%s%s-%016x", dayPrefix, date, generation))
}

// ClosingPath is the mark that files of closed days of a generation are being written,
// and that they mean nothing until its snapshot has its name.
func ClosingPath(directory string, generation uint64) string {
	return filepath.Join(directory, fmt.Sprintf("%s%016x", closingPrefix, generation))
}

// ImportingPath is the file of an import into a directory that counts with others, which waits
// for the node.
func ImportingPath(directory string) string { return filepath.Join(directory, importingName) }

// ClosingGeneration is the generation in the name of a mark.
func ClosingGeneration(path string) uint64 {
	generation, _ := parseName(path, closingPrefix)
	return generation
}

const secondsOfDay = 24 * 60 * 60

// TemporaryPath is what a file is called until it is complete.
func TemporaryPath(path string) string { return path + temporarySuffix }

// SetAside gives a damaged file a name under which no start looks at it.
func SetAside(path string) error { return Rename(path, path+damagedSuffix) }

// Preserve keeps a damaged file under the name that SetAside would give it, and also
// where it is, for who still relies on its name. It needs no reading, so that it works
// for what the disk cannot read. A file that is preserved or gone already is fine.
func Preserve(path string) error {
	err := link(path, path+damagedSuffix)
	if errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(err, SyncDirectory(filepath.Dir(path)))
}

// SnapshotSequence is the sequence number in the name of a snapshot's file.
func SnapshotSequence(path string) uint64 {
	sequence, _ := parseName(path, snapshotPrefix)
	return sequence
}

// JournalSequence is the sequence number in the name of a journal file.
func JournalSequence(path string) uint64 {
	sequence, _ := parseName(path, journalPrefix)
	return sequence
}

// ParseDay returns the day and the generation in the name of a closed day's file,
// and whether it is one.
func ParseDay(path string) (day uint32, generation uint64, ok bool) {
	text, found := strings.CutPrefix(filepath.Base(path), dayPrefix)
	if !found || len(text) != len(time.DateOnly)+1+16 || text[len(time.DateOnly)] != '-' {
		return 0, 0, false
	}
	date, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	if err != nil || date.Unix() < 0 {
		return 0, 0, false
	}
	generation, ok = parseSequence(text[len(time.DateOnly)+1:])
	return uint32(date.Unix() / secondsOfDay), generation, ok
}

// parseName returns the sequence number in the name of a file of the kind that
// the prefix says, and whether it is one.
func parseName(path, prefix string) (sequence uint64, ok bool) {
	digits, found := strings.CutPrefix(filepath.Base(path), prefix)
	if !found {
		return 0, false
	}
	return parseSequence(digits)
}

// parseSequence reads the 16 lower-case hexadecimal digits of a sequence number.
func parseSequence(digits string) (sequence uint64, ok bool) {
	sequence, err := strconv.ParseUint(digits, 16, 64)
	return sequence, err == nil && fmt.Sprintf("%016x", sequence) == digits
}

// Contents are the files of a data directory by kind, in the order of their
// sequence numbers, those of closed days by day, then generation.
type Contents struct {
	Snapshots, Journals, Days, Closing, Temporary, Damaged []string
	// Importing has one file at most.
	Importing []string
}

// ErrNameTaken means that something that is no file has the name of one of ours.
var ErrNameTaken = errors.New("a name that the data directory needs is taken")

// List reads a data directory. What is not ours, by its full name and by being a file,
// is left out. It returns ErrNameTaken for what has the name of a snapshot, a journal,
// a closed day or an import, and is no file.
func List(directory string) (Contents, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return Contents{}, fmt.Errorf("read directory %q: %w", directory, Plain(err))
	}
	var c Contents
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		if kind := c.kindOf(path); kind != nil {
			if err := checkRegular(path); err != nil {
				return Contents{}, err
			}
			*kind = append(*kind, path)
		} else if kind := c.leftoverOf(path); kind != nil && entry.Type().IsRegular() {
			*kind = append(*kind, path)
		}
	}
	for _, paths := range [][]string{c.Snapshots, c.Journals, c.Days} {
		slices.Sort(paths)
	}
	return c, nil
}

// kindOf is the list that a file belongs to by its name, nil for none.
func (c *Contents) kindOf(path string) *[]string {
	if _, ok := parseName(path, snapshotPrefix); ok {
		return &c.Snapshots
	}
	if _, ok := parseName(path, journalPrefix); ok {
		return &c.Journals
	}
	if _, ok := parseName(path, closingPrefix); ok {
		return &c.Closing
	}
	if _, _, ok := ParseDay(path); ok {
		return &c.Days
	}
	if filepath.Base(path) == importingName {
		return &c.Importing
	}
	return nil
}

// leftoverOf is the list that a file belongs to which was never complete, or was moved
// aside, nil for none.
func (c *Contents) leftoverOf(path string) *[]string {
	if name, found := strings.CutSuffix(path, temporarySuffix); found && c.kindOf(name) != nil {
		return &c.Temporary
	}
	if name, found := strings.CutSuffix(path, damagedSuffix); found && c.kindOf(name) != nil {
		return &c.Damaged
	}
	return nil
}

// checkRegular returns ErrNameTaken for what is there and is no file. It does not wait,
// as to open a pipe would.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("stat %q: %w", path, Plain(err))
	case info.Mode().IsRegular():
		return nil
	}
	return fmt.Errorf("%w: %q is %s; move it away", ErrNameTaken, path, kindOfFile(info.Mode()))
}

// kindOfFile says in words what is no regular file.
func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// Sizes adds up the sizes of files. One that is removed meanwhile, or that cannot be
// looked at, counts nothing: reading it will say why.
func Sizes(paths ...string) (sum int64) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// IsDataFile says whether a file of such a name holds counts: it is a snapshot, a journal,
// a closed day, or an import that waits.
func IsDataFile(name string) bool {
	var c Contents
	kind := c.kindOf(name)
	return kind != nil && kind != &c.Closing
}
