package importer

import (
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

// decode adds the document at a span to the batch, or skips it.
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
	w.hasher.add(&document, bad != nil)
	if bad != nil {
		return w.skip(from, at, &document, bad)
	}
	w.batch = append(w.batch, document)
	w.spans = append(w.spans, at)
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
