package importer

import (
	"bytes"
	"context"
	"slices"
)

// worker decodes chunks, hands their documents to the sink and keeps count. It
// is one goroutine's.
type worker struct {
	pipeline *pipeline
	rules    rules
	tally    *tally
	json     jsonDecoder
	hasher   hasher
	fields   fields
	twins    batchTwins

	// source is that of the last document, which findSource leaves as it is as long as
	// documents say the same.
	source       *sourceTally
	sourceName   []byte
	sourceOrigin []byte
	sourceIsRows bool

	batch []Document
	spans []span // of the documents of the batch
}

func newWorker(p *pipeline, counts *tally) *worker {
	return &worker{pipeline: p, tally: counts, rules: rules{maxPosition: int64(p.options.MaxPosition)}}
}

// work decodes chunks until there are no more.
func (w *worker) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case current, ok := <-w.pipeline.full:
			if !ok {
				return nil
			}
			for spans := range slices.Chunk(current.spans, batchDocuments) {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err := w.deliver(current, spans); err != nil {
					return err
				}
			}
			w.pipeline.free <- current
		}
	}
}

// deliver hands some documents of a chunk to the sink.
func (w *worker) deliver(from *chunk, spans []span) error {
	w.json.startBatch()
	w.batch, w.spans = w.batch[:0], w.spans[:0]
	for _, at := range spans {
		if err := w.decode(from, at); err != nil {
			return err
		}
	}
	w.tally.read(from.input, len(spans), w.hasher.take())
	w.pipeline.twins.add(&w.twins)
	if len(w.batch) > 0 {
		if err := w.pipeline.sink(w.batch); err != nil {
			return err
		}
	}
	for i := range w.batch {
		if document := &w.batch[i]; document.rejected != "" {
			if err := w.skip(from, w.spans[i], document, &objection{reason: document.rejected}); err != nil {
				return err
			}
		} else {
			w.tally.counted(document)
		}
	}
	w.pipeline.progress.documents.Add(uint64(len(spans)))
	return nil
}

// decode adds the document at a span to the batch, skips it, or leaves it out.
func (w *worker) decode(from *chunk, at span) error {
	w.fields = fields{}
	data, isObject := from.data[at.start:at.end], true
	var err error
	if from.format == formatJSON {
		isObject, err = w.json.decode(data, &w.fields)
	} else {
		err = decodeBSON(data, &w.fields)
	}
	if err != nil {
		return w.pipeline.failure(from.input, from.offset+int64(at.start), err)
	}
	document, bad := w.rules.document(&w.fields)
	if !isObject {
		bad = &objection{"not an object", shorten(string(data))}
	}
	covered, err := w.place(&document, w.hasher.add(&document, bad != nil), bad == nil)
	if err != nil {
		return w.pipeline.failure(from.input, from.offset+int64(at.start), err)
	}
	if covered && w.pipeline.options.Overlap == LeaveOut {
		w.tally.Covered++
		return nil
	}
	if bad != nil {
		return w.skip(from, at, &document, bad)
	}
	w.batch = append(w.batch, document)
	w.spans = append(w.spans, at)
	return nil
}

// place notes where a document lies among those of its source, and says whether that
// is in a range that was imported before. A row that cannot be read lies nowhere.
func (w *worker) place(document *Document, hash uint64, readable bool) (covered bool, err error) {
	key, known := keyOf(document)
	if document.isRow && !readable {
		return false, nil
	}
	if !known {
		if readable {
			w.tally.Unplaced++
		}
		return false, nil
	}
	origin := w.fields.origin.bytes
	if err := w.findSource(document.isRow, origin); err != nil {
		return false, err
	}
	identity := w.hasher.identity(document, w.sourceName)
	w.twins.note(document, key, identity)
	if !document.isRow {
		hash = identity
	}
	return w.source.note(key, hash), nil
}

// findSource makes the source the one of a document.
func (w *worker) findSource(isRow bool, origin []byte) error {
	holds := w.fields.holds
	if w.source != nil && isRow == w.sourceIsRows && bytes.Equal(origin, w.sourceOrigin) && len(holds) == 0 {
		return nil
	}
	name, said := w.pipeline.options.Source, (*Origin)(nil)
	switch {
	case isRow && len(origin) > 0:
		parsed := parseOrigin(origin)
		if len(origin) > maxOriginBytes {
			return corrupt(0, "origin of more than %d bytes", maxOriginBytes)
		}
		parsed.Holds = parseHolds(holds)
		name, said = ExportSource(parsed.Directory), &parsed
	case isRow:
		name = ExportSource(name)
	}
	w.source = w.tally.source(name, w.pipeline.options.Covered[name])
	w.sourceIsRows = isRow
	w.sourceOrigin, w.sourceName = append(w.sourceOrigin[:0], origin...), append(w.sourceName[:0], name...)
	if said != nil {
		w.source.say(said)
	}
	if len(w.tally.sources) > maxSources {
		return corrupt(0, "rows of more than %d data directories", maxSources)
	}
	return nil
}

func (w *worker) skip(from *chunk, at span, document *Document, bad *objection) error {
	example := Example{Reason: bad.reason}
	told := w.pipeline.options.Skipped != nil
	if told || w.tally.wantsExample() { // else nobody reads it, and it need not be written
		example.Path, example.input = w.pipeline.inputs[from.input].path, from.input
		example.Offset = from.offset + int64(at.start)
		example.ID, example.Have = document.ID(), bad.have
	}
	w.tally.skipped(example)
	if !told {
		return nil
	}
	return w.pipeline.tell(example)
}
