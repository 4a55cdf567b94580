package exporter

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The errors of an export.
var (
	// ErrFormat is returned for a format that there is not.
	ErrFormat = errors.New("unknown export format")
	// ErrRow is returned for a row that has no place in the columns.
	ErrRow = errors.New("row cannot be exported")
	// ErrClosed is returned for a row that comes after Close.
	ErrClosed = errors.New("export is closed")
)

// MaxCount is the largest count of a row: the largest integer that every reader
// of JSON gets right, because it is exact as a floating-point number.
const MaxCount = 1<<53 - 1

// Row is how often an event of one type happened, for one benefit, at one
// position, on one day.
type Row struct {
	// Day is a UTC day, such as "2026-11-23". It is empty when the day is not
	// known.
	Day       string
	Benefit   string
	EventType string
	Version   uint16
	PageTotal uint16
	Index     uint16
	// Count is at most MaxCount.
	Count uint64
}

// Writer writes rows. It is not safe for concurrent use. After an error, every
// later call returns that error, and what was written must be thrown away.
type Writer interface {
	// Write adds a row, which may stay in memory until later rows or Close.
	Write(Row) error
	// Close writes what is left. Without it the export is not complete. It does
	// not close the writer beneath. A second call does nothing.
	Close() error
}

// Format is how rows are written. Its text is what a person calls it.
type Format string

// The formats.
const (
	// CSV has a header line and is quoted as in RFC 4180. Its texts are exact.
	CSV Format = "csv"
	// Spreadsheet is CSV for people who open it in a spreadsheet: it begins with a
	// byte order mark, and no text in it can become a formula.
	Spreadsheet Format = "spreadsheet"
	// JSONLines has an object per line.
	JSONLines Format = "jsonl"
	// Parquet is compressed with zstd; days are of the logical type DATE.
	Parquet Format = "parquet"
)

// ParseFormat returns the format of a name.
func ParseFormat(name string) (Format, error) {
	switch format := Format(strings.ToLower(name)); format {
	case CSV, Spreadsheet, JSONLines, Parquet:
		return format, nil
	}
	return "", fmt.Errorf("%w %q: want %s, %s, %s or %s", ErrFormat, name, CSV, Spreadsheet, JSONLines, Parquet)
}

// An Origin says whose counts an export has. JSON lines have it in each row, so that it
// stays when rows are sorted or picked out, and Parquet in its metadata. CSV has no place
// for it. An unknown directory is written nowhere.
type Origin struct {
	// Directory is the identity of the data directory; empty for an unknown one.
	Directory string
	// Commit is the last commit that is counted.
	Commit uint64
	// Holds names what else was imported there: identities of directories, and
	// fingerprints. JSON lines have it in the first row alone.
	Holds []string
}

// String is the identity, a slash, and the commit; empty for an unknown directory.
func (o Origin) String() string {
	if o.Directory == "" {
		return ""
	}
	return o.Directory + "/" + strconv.FormatUint(o.Commit, 10)
}

// NewWriter returns a writer of rows in a format, to w. Nothing need be written
// before Close.
func NewWriter(w io.Writer, format Format, origin Origin) (Writer, error) {
	format, err := ParseFormat(string(format))
	if err != nil {
		return nil, err
	}
	checked := &checkedWriter{}
	switch format {
	case CSV:
		checked.rows = newCSVWriter(w)
	case Spreadsheet:
		checked.rows = newSpreadsheetWriter(w)
	case JSONLines:
		checked.rows = newJSONWriter(w, origin)
	default:
		checked.rows = newParquetWriter(w, origin)
	}
	return checked, nil
}

// date is a day as the formats need it.
type date struct {
	known bool
	text  string
	// days since 1970-01-01
	days int32
}

// rowWriter writes rows that have been checked, in one format.
type rowWriter interface {
	write(row Row, day date) error
	close() error
}

// checkedWriter checks rows before a rowWriter sees them, so that all formats
// refuse the same.
type checkedWriter struct {
	rows rowWriter
	day  date  // of the row before: rows come day by day
	err  error // of the first call that failed, or ErrClosed
}

// Write is described at Writer.
func (c *checkedWriter) Write(row Row) error {
	if c.err != nil {
		return c.err
	}
	if c.err = c.check(row); c.err == nil {
		c.err = c.rows.write(row, c.day)
	}
	return c.err
}

// Close is described at Writer.
func (c *checkedWriter) Close() error {
	if c.err != nil {
		if errors.Is(c.err, ErrClosed) {
			return nil
		}
		return c.err
	}
	if c.err = c.rows.close(); c.err != nil {
		return c.err
	}
	c.err = ErrClosed
	return nil
}

// check makes sure of a row, and leaves its day in c.day.
func (c *checkedWriter) check(row Row) error {
	if row.Count > MaxCount {
		return fmt.Errorf("%w: count is %d, want at most %d", ErrRow, row.Count, uint64(MaxCount))
	}
	if row.Day == c.day.text {
		return nil // the zero date is the day that is not known
	}
	if row.Day == "" {
		c.day = date{}
		return nil
	}
	day, err := time.Parse(time.DateOnly, row.Day)
	if err != nil {
		return fmt.Errorf("%w: day is %q, want a date such as 2026-11-23", ErrRow, row.Day)
	}
	const secondsPerDay = 24 * 60 * 60
	c.day = date{known: true, text: row.Day, days: int32(day.Unix() / secondsPerDay)}
	return nil
}
