package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"stats-recorder/counters"
	"stats-recorder/exchange/answers"
	"stats-recorder/exchange/importer"
	"stats-recorder/httpapi/records"
	"stats-recorder/snapshot"
)

// importJob is one import.
type importJob struct {
	directory   string
	open        func(snapshot.Options) (*snapshot.Import, error)
	options     importer.Options
	answers     *answers.Answers // what the options read; nil for dumps and exports
	overlap     overlap
	skipped     string // path of the file for skipped documents; empty for none
	isRehearsal bool   // change nothing
}

// What makes an import refuse all of its documents.
var (
	// errNothingCounted is the error for an import that would leave nothing but its
	// name in the directory.
	errNothingCounted = errors.New("none of the documents can be counted; are they records of the replaced service, or of an export with --format jsonl?")
	// errTooMany is the error for sums that some reader would not get right.
	errTooMany = fmt.Errorf("the events of the directory would be more than %d, the largest number that every reader of JSON gets right", uint64(importer.MaxCount))
)

// run imports all or nothing, and prints what it did. A directory that it made
// itself goes again when nothing was imported.
func (j importJob) run(ctx context.Context, output io.Writer) (err error) {
	if _, missing := os.Stat(j.directory); errors.Is(missing, os.ErrNotExist) && !j.isRehearsal {
		defer func() {
			if err != nil {
				err = errors.Join(err, os.RemoveAll(j.directory))
			}
		}()
	}
	session, err := j.open(snapshot.Options{Directory: j.directory, EventTypes: records.BuiltInEvents})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	counted, err := j.read(ctx, output, session)
	switch {
	case err != nil:
		return fmt.Errorf("nothing was imported: %w", err)
	case counted == 0:
		fmt.Fprintf(output, "nothing is new: all of it was imported into %q before\n", j.directory)
	case j.isRehearsal:
		fmt.Fprintf(output, "this would be imported into %q; nothing was changed\n", j.directory)
	default:
		fmt.Fprintf(output, "imported into %q; the server can start, and import --undo goes back as long as nothing else is counted\n", j.directory)
	}
	return nil
}

// read imports what is to be read, and prints the summary before it counts. It returns
// how many documents count.
func (j importJob) read(ctx context.Context, output io.Writer, session *snapshot.Import) (counted uint64, err error) {
	session.Store().KeepEventTypes(records.BuiltInEvents)
	closeList, err := j.listSkipped()
	if err != nil {
		return 0, err
	}
	j.options.Covered = coveredBy(session.Imports())
	hidden := newUnshown(session)
	summary, err := importer.Read(ctx, j.options, j.sink(session, hidden))
	if err = errors.Join(err, closeList()); err != nil {
		return 0, err
	}
	now := importedNow{session: session, summary: summary, overlap: j.overlap, source: j.options.Source}
	if err := now.check(); err != nil {
		return 0, err
	}
	printSummary(output, summary, hidden, j.skipped)
	if others := session.Store().OtherEvents(); others > 0 {
		fmt.Fprintf(output, "events of more types than the %d that can be told apart, counted under the type %s: %d\n", counters.MaxEventTypes, counters.OtherEvent, others)
	}
	if j.answers != nil {
		printAnswers(output, *j.answers)
	}
	if summary.Counted > 0 {
		return summary.Counted, session.Commit(now.remembered())
	}
	if summary.Covered > 0 {
		return 0, nil
	}
	return 0, errNothingCounted
}

// sink adds documents to the store.
func (j importJob) sink(session *snapshot.Import, hidden *unshown) importer.Sink {
	var events atomic.Uint64
	events.Store(session.Events())
	return func(batch []importer.Document) error {
		sum := uint64(0)
		for i := range batch {
			sum += batch[i].Count // of at most a thousand counts
		}
		if sum > importer.MaxCount || events.Add(sum) > importer.MaxCount {
			return errTooMany
		}
		return session.Add(func(store *counters.Store) error { return j.addDocuments(store, batch, hidden) })
	}
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

// addDocuments adds a batch to the store, and rejects documents that no counter can
// hold. A rehearsal adds them without their times: that bounds the memory.
func (j importJob) addDocuments(store *counters.Store, batch []importer.Document, hidden *unshown) error {
	for i := range batch {
		document := batch[i]
		if j.isRehearsal {
			document.Precision = importer.AllTime
		}
		if reason, err := addDocument(store, &document); err != nil {
			return err
		} else if reason != "" {
			batch[i].Reject(reason)
		} else {
			hidden.add(&batch[i])
		}
	}
	return nil
}

func addDocument(store *counters.Store, d *importer.Document) (reason string, err error) {
	event, own, err := store.EventType(d.EventType)
	if err != nil {
		return fmt.Sprintf("more than %d event types", counters.MaxEventTypes), nil
	}
	benefit, err := store.Benefits.Number(d.Benefit)
	if err != nil {
		return "too many benefits", nil
	}
	key, err := counters.NewKey(event, d.Version, d.PageTotal, d.Index)
	if err != nil {
		return "position out of range", nil
	}
	if !own {
		store.CountOtherEvents(int(d.Count))
	}
	cells := []counters.Cell{{Key: key, Count: d.Count}}
	if d.Precision == importer.AllTime {
		return "", store.Restore(counters.Part{Kind: counters.Positions, Day: counters.Past}, counters.Benefit(benefit), cells)
	}
	// A day's counts without an hour go to its first.
	return "", store.Replay(counters.HourOf(d.CreatedAt), counters.Benefit(benefit), cells)
}
