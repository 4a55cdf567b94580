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
	"stats-recorder/service"
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

	// log is for a directory that counts with others, and eventTypes are those that its nodes
	// have agreed on.
	log        func() (service.Config, error)
	eventTypes []string
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
	session, err := j.begin(ctx)
	if err != nil {
		return err
	}
	counted, err := j.read(ctx, output, session)
	err = errors.Join(err, session.Close())
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", service.ErrNotImported, err)
	case counted == 0:
		fmt.Fprintf(output, "nothing is new: all of it was imported into %q before\n", j.directory)
	case j.isRehearsal:
		fmt.Fprintf(output, "this would be imported into %q; nothing was changed\n", j.directory)
	case session.IsTold():
		return j.tell(ctx, output)
	default:
		fmt.Fprintf(output, "imported into %q; the server can start, and import --undo goes back as long as nothing else is counted\n", j.directory)
	}
	return nil
}

// begin opens the directory. One that counts with others first learns what they have imported.
func (j *importJob) begin(ctx context.Context) (*snapshot.Import, error) {
	options := snapshot.Options{Directory: j.directory, EventTypes: records.BuiltInEvents}
	session, err := j.open(options)
	if err != nil || !session.IsTold() || j.isRehearsal {
		return session, err
	}
	if err := session.Close(); err != nil {
		return nil, err
	}
	config, err := j.log()
	if err == nil {
		j.eventTypes, err = service.CatchUp(ctx, config)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the directory counts with other nodes: %w", service.ErrNotImported, err)
	}
	return j.open(options)
}

// tell has the import made that waits in the directory.
func (j importJob) tell(ctx context.Context, output io.Writer) error {
	config, err := j.log()
	if err == nil {
		err = service.MakeImport(ctx, config)
	}
	switch {
	case errors.Is(err, service.ErrNotImported):
		return err
	case err != nil:
		return fmt.Errorf("the import waits in %q, and is made once a node runs there, with or without this: %w", j.directory, err)
	}
	fmt.Fprintf(output, "imported into %q, and told to the log: all nodes count it; the server can start\n", j.directory)
	return nil
}

// read imports what is to be read, and prints the summary before it counts. It returns
// how many documents count.
func (j importJob) read(ctx context.Context, output io.Writer, session *snapshot.Import) (counted uint64, err error) {
	session.Store().KeepEventTypes(records.BuiltInEvents)
	if session.IsTold() {
		session.Store().KeepEventTypes(append([]string{counters.OtherEvent}, j.eventTypes...))
	}
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
		return summary.Counted, now.commit()
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
		return session.Add(func(*counters.Store) error { return j.addDocuments(session, batch, hidden) })
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
func (j importJob) addDocuments(session *snapshot.Import, batch []importer.Document, hidden *unshown) error {
	for i := range batch {
		document := batch[i]
		if j.isRehearsal && !session.IsTold() {
			document.Precision = importer.AllTime
		}
		if reason, err := addDocument(session.Store(), session, &document); err != nil {
			return err
		} else if reason != "" {
			batch[i].Reject(reason)
		} else {
			hidden.add(&batch[i])
		}
	}
	return nil
}

// An intake takes counts by the numbers of a store.
type intake interface {
	Count(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error
	// CountUndated takes those of no known day.
	CountUndated(benefit counters.Benefit, cells []counters.Cell) error
}

// addDocument counts a document, or says why that cannot be.
func addDocument(store *counters.Store, into intake, d *importer.Document) (reason string, err error) {
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
		return "", into.CountUndated(counters.Benefit(benefit), cells)
	}
	// A day's counts without an hour go to its first.
	return "", into.Count(counters.HourOf(d.CreatedAt), counters.Benefit(benefit), cells)
}
