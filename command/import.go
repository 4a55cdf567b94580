package command

import (
	"context"
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
	"stats-recorder/httpapi"
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
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if !c.Args().Present() {
				return errors.New("import what? name a file, a dump directory, or - for standard input")
			}
			directory, err := directoryOf(c)
			if err != nil {
				return err
			}
			options := importer.Options{Paths: c.Args().Slice(), Collection: c.String("collection"), Progress: os.Stderr}
			return importFiles(ctx, output, directory, options, c.Bool("force"))
		},
	}
}

// importFiles imports all or nothing, and prints what it did.
func importFiles(ctx context.Context, output io.Writer, directory string, options importer.Options, force bool) (err error) {
	session, err := snapshot.OpenImport(snapshot.Options{Directory: directory})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	for _, name := range httpapi.BuiltInEvents { // first, so that what is imported cannot take their room
		if _, err := session.Store().Events.Number([]byte(name)); err != nil {
			return err
		}
	}
	summary, err := importer.Read(ctx, options, func(batch []importer.Document) error {
		return session.Add(func(store *counters.Store) error { return addDocuments(store, batch) })
	})
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	imported, err := fingerprints(session, summary, force)
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	printSummary(output, summary)
	if err := session.Commit(imported); err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	fmt.Fprintf(output, "imported into %q; the server can start\n", directory)
	return nil
}

// addDocuments adds a batch to the store, and rejects what no counter can hold.
func addDocuments(store *counters.Store, batch []importer.Document) error {
	for i := range batch {
		document := &batch[i]
		if reason, err := addDocument(store, document); err != nil {
			return err
		} else if reason != "" {
			document.Reject(reason)
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
		return "", store.RestorePast(counters.Benefit(benefit), cells)
	}
	// A day's counts without an hour go to its first.
	return "", store.Replay(counters.HourOf(d.CreatedAt), counters.Benefit(benefit), cells)
}

// fingerprints returns what to remember of an import, or an error when some of
// it was imported before and that is not wanted.
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

func printSummary(output io.Writer, s importer.Summary) {
	fmt.Fprintf(output, "read %d documents = counted %d + skipped %d\n", s.Read, s.Counted, s.Skipped)
	if s.Events != s.Counted {
		fmt.Fprintf(output, "events in the documents counted: %d\n", s.Events)
	}
	if !s.Earliest.IsZero() {
		fmt.Fprintf(output, "from %s to %s\n", s.Earliest.UTC().Format(time.RFC3339), s.Latest.UTC().Format(time.RFC3339))
	}
	if s.Undated > 0 {
		fmt.Fprintf(output, "without a time, in the sums of all time only: %d\n", s.Undated)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(output, "skipped %d: %s\n", s.Reasons[reason], reason)
	}
	for _, example := range s.Examples {
		have := ""
		if example.Have != "" {
			have = ": " + example.Have
		}
		fmt.Fprintf(output, "  %s at byte %d, _id %s: %s%s\n", example.Path, example.Offset, example.ID, example.Reason, have)
	}
}
