package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/exchange/importer"
	"stats-recorder/httpapi/records"
	"stats-recorder/snapshot"
)

func importCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "add the records of the replaced service, or an export of this one",
		ArgsUsage: "FILE…",
		Description: "Reads mongoexport JSON, mongodump BSON files, directories and archives, and this\n" +
			"program's own jsonl export, compressed or not; - is standard input. Stop the server\n" +
			"first. Either everything is imported or nothing is, and the same content only once.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "collection", Usage: "which collection of a dump to read, where it has several"},
			&cli.BoolFlag{Name: "force", Usage: "import content that has been imported before once more"},
			&cli.StringFlag{Name: "skipped", Usage: "file to write every document that is skipped to, as JSON lines", DefaultText: "none"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if !c.Args().Present() {
				return errors.New("import what? name a file, a dump directory, or - for standard input")
			}
			directory, err := directoryOf(c)
			if err != nil {
				return err
			}
			job := importJob{
				directory: directory,
				options:   importer.Options{Paths: c.Args().Slice(), Collection: c.String("collection"), Progress: os.Stderr},
				skipped:   c.String("skipped"),
				force:     c.Bool("force"),
			}
			return job.run(ctx, output)
		},
	}
}

// importJob is one import.
type importJob struct {
	directory string
	options   importer.Options
	skipped   string // path of the file for skipped documents; empty for none
	force     bool
}

// errNothingCounted is the error for an import that would leave nothing but its
// name in the directory.
var errNothingCounted = errors.New("none of the documents can be counted; are they records of the replaced service, or of an export with --format jsonl?")

// run imports all or nothing, and prints what it did. A directory that it made
// itself goes again when nothing was imported.
func (j importJob) run(ctx context.Context, output io.Writer) (err error) {
	if _, missing := os.Stat(j.directory); errors.Is(missing, os.ErrNotExist) {
		defer func() {
			if err != nil {
				err = errors.Join(err, os.RemoveAll(j.directory))
			}
		}()
	}
	session, err := snapshot.OpenImport(snapshot.Options{Directory: j.directory})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if err := j.read(ctx, output, session); err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	fmt.Fprintf(output, "imported into %q; the server can start\n", j.directory)
	return nil
}

// read imports what is to be read, and prints the summary before it counts.
func (j importJob) read(ctx context.Context, output io.Writer, session *snapshot.Import) error {
	for _, name := range records.BuiltInEvents { // first, so that imported ones cannot take their room
		if _, err := session.Store().Events.Number([]byte(name)); err != nil {
			return err
		}
	}
	closeList, err := j.listSkipped()
	if err != nil {
		return err
	}
	hidden := newUnshown(session)
	summary, err := importer.Read(ctx, j.options, func(batch []importer.Document) error {
		return session.Add(func(store *counters.Store) error { return addDocuments(store, batch, hidden) })
	})
	if err = errors.Join(err, closeList()); err != nil {
		return err
	}
	imported, err := fingerprints(session, summary, j.force)
	if err != nil {
		return err
	}
	printSummary(output, summary, hidden, j.skipped)
	if summary.Counted == 0 {
		return errNothingCounted
	}
	return session.Commit(imported)
}

// listSkipped has skipped documents written to the file that was asked for, until
// the list is closed.
func (j *importJob) listSkipped() (closeList func() error, err error) {
	if j.skipped == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(j.skipped)
	if err != nil {
		return nil, fmt.Errorf("list of skipped documents: %w", err)
	}
	buffered := bufio.NewWriter(file)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	j.options.Skipped = func(skipped importer.Example) error { return encoder.Encode(skipped) }
	return func() error { return errors.Join(buffered.Flush(), file.Close()) }, nil
}

// addDocuments adds a batch to the store, and rejects documents that no counter can hold.
func addDocuments(store *counters.Store, batch []importer.Document, hidden *unshown) error {
	for i := range batch {
		document := &batch[i]
		if reason, err := addDocument(store, document); err != nil {
			return err
		} else if reason != "" {
			document.Reject(reason)
		} else {
			hidden.add(document)
		}
	}
	return nil
}

func addDocument(store *counters.Store, d *importer.Document) (reason string, err error) {
	event, err := store.Events.Number(d.EventType)
	if err != nil {
		return fmt.Sprintf("more than %d event types", counters.MaxEventTypes), nil
	}
	benefit, err := store.Benefits.Number(d.Benefit)
	if err != nil {
		return "too many benefits", nil
	}
	key, err := counters.NewKey(counters.EventType(event+1), d.Version, d.PageTotal, d.Index)
	if err != nil {
		return "position out of range", nil
	}
	cells := []counters.Cell{{Key: key, Count: d.Count}}
	if d.Precision == importer.AllTime {
		return "", store.Restore(counters.Part{Kind: counters.Positions, Day: counters.Past}, counters.Benefit(benefit), cells)
	}
	// A day's counts without an hour go to its first.
	return "", store.Replay(counters.HourOf(d.CreatedAt), counters.Benefit(benefit), cells)
}

// fingerprints returns the fingerprints of an import's inputs, or an error for an
// input that was imported before, unless force is set.
func fingerprints(session *snapshot.Import, summary importer.Summary, force bool) ([]snapshot.Imported, error) {
	var imported []snapshot.Imported
	seen := map[importer.Fingerprint]string{}
	for _, input := range summary.Inputs {
		if input.Read == 0 {
			return nil, fmt.Errorf("%q holds no documents; did the export fail?", input.Path)
		}
		if before, ok := session.Before(input.Fingerprint); ok && !force {
			return nil, fmt.Errorf("%q: %w, on %s; use --force to count it twice",
				input.Path, snapshot.ErrImportedBefore, before.At.UTC().Format(time.RFC3339))
		}
		if twin, ok := seen[input.Fingerprint]; ok && !force {
			return nil, fmt.Errorf("%q has the same content as %q; use --force to count it twice", input.Path, twin)
		}
		seen[input.Fingerprint] = input.Path
		imported = append(imported, snapshot.Imported{
			Fingerprint: input.Fingerprint, At: time.Now(), Documents: input.Read,
		})
	}
	return imported, nil
}

// printSummary prints the skipped documents first and the totals last, where they
// are still on the screen.
func printSummary(output io.Writer, s importer.Summary, hidden *unshown, list string) {
	for _, example := range s.Examples {
		have := ""
		if example.Have != "" {
			have = ": " + example.Have
		}
		fmt.Fprintf(output, "  %s at byte %d, _id %s: %s%s\n", example.Path, example.Offset, example.ID, example.Reason, have)
	}
	if more := s.Skipped - uint64(len(s.Examples)); more > 0 {
		where := "; --skipped FILE lists all"
		if list != "" {
			where = ""
		}
		fmt.Fprintf(output, "  and %d more%s\n", more, where)
	}
	if list != "" {
		fmt.Fprintf(output, "every skipped document is in %q\n", list)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(output, "skipped %d: %s\n", s.Reasons[reason], reason)
	}
	if !s.Earliest.IsZero() {
		fmt.Fprintf(output, "from %s to %s\n", s.Earliest.UTC().Format(time.RFC3339), s.Latest.UTC().Format(time.RFC3339))
	}
	if s.Undated > 0 {
		fmt.Fprintf(output, "without a time, in the sums of all time only: %d\n", s.Undated)
	}
	hidden.print(output)
	if s.Events != s.Counted {
		fmt.Fprintf(output, "events in the documents counted: %d\n", s.Events)
	}
	fmt.Fprintf(output, "read %d documents = counted %d + skipped %d\n", s.Read, s.Counted, s.Skipped)
}
