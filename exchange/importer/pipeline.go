package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

const (
	// chunkBytes is about a thousand documents of the old service. It grows for
	// one that is longer.
	chunkBytes = 256 << 10
	// batchDocuments is the most that a sink gets at once.
	batchDocuments = 1024
)

// chunk is a piece of an input, with some whole documents in it.
type chunk struct {
	input  int
	format format
	offset int64 // of data in the input
	data   []byte
	spans  []span
}

// pipeline moves chunks in a circle: one goroutine reads and splits the inputs,
// workers decode. The chunks of the circle bound the memory.
type pipeline struct {
	options  Options
	inputs   []input
	sink     Sink
	free     chan *chunk
	full     chan *chunk // closed after the last
	progress *progress
	twins    twins
	telling  sync.Mutex // held while Options.Skipped is told
}

func newPipeline(options Options, inputs []input, sink Sink) *pipeline {
	// Each worker holds one chunk and has another waiting; the reader holds the
	// one it fills and the one that takes over what was left.
	circle := 2*options.Workers + 2
	made := &pipeline{
		options: options, inputs: inputs, sink: sink,
		free: make(chan *chunk, circle), full: make(chan *chunk, circle),
		progress: newProgress(options.Progress, inputs),
		twins:    twins{limit: maxIdentities},
	}
	for range circle {
		made.free <- &chunk{}
	}
	return made
}

// run reads everything. It does not wait for a reader that is blocked in its
// input when the context ends, since nothing but the input could wake it.
func (p *pipeline) run(parent context.Context) (Summary, error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	defer p.progress.show()()
	go func() {
		defer close(p.full)
		if err := p.readAll(ctx); err != nil {
			cancel(err) // before the channel is closed, so that nobody takes this for the end
		}
	}()
	tallies := make([]*tally, p.options.Workers)
	var workers sync.WaitGroup
	for i := range tallies {
		tallies[i] = newTally(p.inputs)
		workers.Go(func() {
			if err := newWorker(p, tallies[i]).work(ctx); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return Summary{}, err
	}
	summary := sumUp(tallies)
	again, known := p.twins.count()
	summary.Again, summary.AgainUnknown = again, !known
	return summary, nil
}

// tell tells of a document that is skipped.
func (p *pipeline) tell(skipped Example) error {
	p.telling.Lock()
	defer p.telling.Unlock()
	return p.options.Skipped(skipped)
}

// readAll turns all inputs into chunks.
func (p *pipeline) readAll(ctx context.Context) error {
	for number := range p.inputs {
		if err := p.readInput(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipeline) readInput(ctx context.Context, number int) error {
	in := p.inputs[number]
	stored, err := in.open(p.options.Stdin)
	if err != nil {
		return p.failure(number, 0, err)
	}
	defer stored.Close()
	content, err := inflated(p.progress.counting(stored))
	if err != nil {
		return p.failure(number, 0, readFailure(err))
	}
	found, skip, err := detect(content)
	if err != nil {
		return p.failure(number, 0, readFailure(err))
	}
	if _, err := content.Discard(skip); err != nil {
		return p.failure(number, 0, err)
	}
	first := chunk{input: number, format: found, offset: int64(skip)}
	return p.split(ctx, first, content, newSplitter(found, p.options.Collection))
}

// split cuts an input's content into chunks and sends them off.
func (p *pipeline) split(ctx context.Context, first chunk, content io.Reader, splitter splitter) error {
	current, err := p.take(ctx, first, nil)
	if err != nil {
		return err
	}
	for ended := false; !ended; {
		if ended, err = current.fill(content); err != nil {
			return p.failure(current.input, current.offset+int64(len(current.data)), readFailure(err))
		}
		var done int
		if current.spans, done, err = splitter.split(current.data, ended, current.spans[:0]); err != nil {
			return p.failure(current.input, current.offset, err)
		}
		if len(current.spans) == 0 {
			current.forget(done)
			continue
		}
		rest := *current
		rest.offset += int64(done)
		next, err := p.take(ctx, rest, current.data[done:])
		if err != nil {
			return err
		}
		p.full <- current // never blocks: it has room for the whole circle
		current = next
	}
	p.free <- current
	return nil
}

// take waits for a free chunk that continues like another one, with data.
func (p *pipeline) take(ctx context.Context, like chunk, data []byte) (*chunk, error) {
	select {
	case taken := <-p.free:
		taken.input, taken.format, taken.offset = like.input, like.format, like.offset
		if cap(taken.data) < chunkBytes || cap(taken.data) > 4*chunkBytes { // there was a long document once
			taken.data = make([]byte, 0, max(chunkBytes, len(data)))
		}
		taken.data = append(taken.data[:0], data...)
		taken.spans = taken.spans[:0]
		return taken, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fill reads until the chunk is full or the input has ended. A chunk that is
// full already, of one unfinished document, grows: by what was read, not by
// what the document says about its length.
func (c *chunk) fill(content io.Reader) (ended bool, err error) {
	if len(c.data) == cap(c.data) {
		c.data = append(make([]byte, 0, 2*cap(c.data)), c.data...)
	}
	for len(c.data) < cap(c.data) {
		n, err := content.Read(c.data[len(c.data):cap(c.data)])
		c.data = c.data[:len(c.data)+n]
		if err != nil {
			return err == io.EOF, ignoreEnd(err)
		}
	}
	return false, nil
}

func ignoreEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// forget drops the first bytes.
func (c *chunk) forget(done int) {
	c.data = c.data[:copy(c.data, c.data[done:])]
	c.offset += int64(done)
}

// failure adds the input's path to an error, and its offset, given that of the
// bytes that were looked at.
func (p *pipeline) failure(number int, offset int64, err error) error {
	if flawed, ok := errors.AsType[*flaw](err); ok {
		offset += int64(flawed.at)
	}
	return fmt.Errorf("read %q at offset %d: %w", p.inputs[number].path, offset, err)
}
