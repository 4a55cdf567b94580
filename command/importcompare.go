package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/exchange/answers"
	"stats-recorder/exchange/comparison"
	"stats-recorder/exchange/importer"
	"stats-recorder/service"
	"stats-recorder/snapshot"
)

// errDiffer makes the process exit with 1 after a list that says how.
var errDiffer = errors.New("the answers differ; see above")

// compareCommand compares the documents of files, or else the counts of the data
// directory, with the answers of a running server. It imports nothing.
func compareCommand(ctx context.Context, c *cli.Command, output io.Writer) error {
	for _, flag := range []string{"continue", "force", "undo"} {
		if c.Bool(flag) {
			return fmt.Errorf("%w: --compare imports nothing and undoes nothing: leave out --%s", service.ErrConfig, flag)
		}
	}
	there, err := answers.Ask(ctx, c.String("compare"))
	if err != nil {
		return err
	}
	counts, err := countsToCompare(ctx, c, output)
	if err != nil {
		return err
	}
	return printComparison(output, comparison.Compare(there, counts))
}

// countsToCompare counts the documents of the files that are named, or else what the
// data directory has.
func countsToCompare(ctx context.Context, c *cli.Command, output io.Writer) (*comparison.Counts, error) {
	if !c.Args().Present() {
		directory, err := existingDirectoryOf(c)
		if err != nil {
			return nil, err
		}
		return countsOfDirectory(directory)
	}
	job := importJob{
		skipped: c.String("skipped"),
		options: importer.Options{Paths: c.Args().Slice(), Collection: c.String("collection"), Progress: os.Stderr},
	}
	if _, err := withAnswers(ctx, &job.options); err != nil {
		return nil, err
	}
	return job.countDocuments(ctx, output)
}

func countsOfDirectory(directory string) (*comparison.Counts, error) {
	counts := comparison.NewCounts()
	err := snapshot.Export(directory, counters.BuiltInKinds(), 0, counters.MaxDay+1, func(counted snapshot.Exported) error {
		sums := counts.Dated
		if counted.Undated {
			sums = counts.Undated
		}
		if counted.Kind == counters.Positions {
			addToCounts(counts, sums, counted.Benefit, counted.Events, counted.Cells)
		}
		return nil
	})
	return counts, err
}

// addToCounts adds counters of a benefit.
func addToCounts(counts *comparison.Counts, sums map[answers.Sum]uint64, benefit string, events []string, cells []counters.Cell) {
	const shownByDefault = 2 // the version that GET /statistics counts
	for _, cell := range cells {
		event := events[cell.Key.Event()-1]
		sums[answers.Sum{Benefit: benefit, EventType: event}] += cell.Count
		if cell.Key.Version() == shownByDefault {
			total, index := cell.Key.Position()
			counts.Positions[answers.Position{
				Benefit: benefit, EventType: event, PageTotal: strconv.Itoa(int(total)), Index: strconv.Itoa(int(index)),
			}] += cell.Count
		}
	}
}

// countDocuments counts documents as an import into nothing would, and prints which of
// them it would skip.
func (j importJob) countDocuments(ctx context.Context, output io.Writer) (*comparison.Counts, error) {
	closeList, err := j.listSkipped()
	if err != nil {
		return nil, err
	}
	dated, undated := counters.NewStore(counters.WhenDurable), counters.NewStore(counters.WhenDurable)
	summary, err := importer.Read(ctx, j.options, func(batch []importer.Document) error {
		for i := range batch {
			document, store := batch[i], dated
			if document.Precision == importer.AllTime {
				store = undated
			}
			if reason, err := addDocument(store, sums{store}, &document); err != nil {
				return err
			} else if reason != "" {
				batch[i].Reject(reason)
			}
		}
		return nil
	})
	if err = errors.Join(err, closeList()); err != nil {
		return nil, err
	}
	printSkipped(output, summary, j.skipped)
	fmt.Fprintf(output, "read %s = counted %d + skipped %d\n", several(summary.Read, "document"), summary.Counted, summary.Skipped)
	counts := comparison.NewCounts()
	addStore(counts, counts.Dated, dated)
	addStore(counts, counts.Undated, undated)
	return counts, nil
}

// sums counts documents in a store without their times.
type sums struct{ store *counters.Store }

// Count is described at intake.
func (s sums) Count(_ counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
	return s.CountUndated(benefit, cells)
}

// CountUndated is described at intake.
func (s sums) CountUndated(benefit counters.Benefit, cells []counters.Cell) error {
	return s.store.Restore(counters.Part{Kind: counters.Positions, Day: counters.Past}, benefit, cells)
}

func addStore(counts *comparison.Counts, sums map[answers.Sum]uint64, store *counters.Store) {
	frozen, events := store.Freeze(), store.Events.Names()
	defer frozen.Thaw()
	past := counters.Part{Kind: counters.Positions, Day: counters.Past}
	for number, name := range store.Benefits.Names() {
		addToCounts(counts, sums, name, events, frozen.Cells(past, counters.Benefit(number), nil))
	}
}

// maxDifferences is how many are printed.
const maxDifferences = 100

func printComparison(output io.Writer, result comparison.Result) error {
	listed := result.Differences[:min(len(result.Differences), maxDifferences)]
	for _, d := range listed {
		fmt.Fprintf(output, "  %s %s: %d there, %d here\n", d.Answer, d.Of, d.There, d.Here)
	}
	if more := len(result.Differences) - len(listed); more > 0 {
		fmt.Fprintf(output, "  and %d more\n", more)
	}
	if result.UndatedSums > 0 {
		fmt.Fprintf(output, "%s: in %s there are here %s without a time, which the other does not count; nothing else of them differs\n",
			answers.Benefits, several(result.UndatedSums, "sum"), several(result.Undated, "event"))
	}
	fmt.Fprintf(output, "the same: %s of %s, %s of %s; different: %s\n",
		several(result.Sums, "sum"), answers.Benefits, several(result.Positions, "count"), answers.Statistics, several(len(result.Differences), "number"))
	if len(result.Differences) > 0 {
		return errDiffer
	}
	return nil
}
