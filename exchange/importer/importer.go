package importer

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
)

// The errors of an input as a whole. No document that was handed over before such
// an error may be considered imported. The error that wraps one of
// these names the path and, where there is one, the offset of the byte, which
// in something gzipped is counted after inflation.
var (
	// ErrFormat is returned for an input that is none of the formats.
	ErrFormat = errors.New("unknown format")
	// ErrCorrupt is returned for an input with bytes that cannot be right.
	ErrCorrupt = errors.New("corrupt")
	// ErrTruncated is returned for an input that ends too early.
	ErrTruncated = errors.New("truncated")
	// ErrNoCollection is returned for a directory or an archive without the
	// collection to read.
	ErrNoCollection = errors.New("collection not found")
	// ErrSeveralCollections is returned for a directory or an archive with more
	// than one collection, when Options.Collection does not name one of them.
	ErrSeveralCollections = errors.New("more than one collection")
)

// Options name the inputs and how to read them.
type Options struct {
	// Paths are files and dump directories; "-" is Stdin. They are read in this
	// order.
	Paths []string
	// Stdin is what the path "-" reads; nil is the process's standard input.
	Stdin io.Reader
	// StdinName is what messages call it; empty is "-".
	StdinName string
	// Collection is the collection to read of a directory or an archive, as
	// "collection" or "database.collection". Empty is the only one that is there.
	Collection string
	// MaxPosition is the largest page total and index that can be represented; 0
	// is DefaultMaxPosition.
	MaxPosition uint16
	// Workers is how many goroutines decode and call the sink; 0 is one per
	// processor.
	Workers int
	// Source names where documents of the old service come from, where there is more
	// than one place. Empty is fine.
	Source string
	// Covered are the ranges of what was imported before, by the name of its source: in
	// order, and none overlaps another.
	Covered map[string][]Range
	// Overlap says what becomes of documents in these ranges.
	Overlap Overlap
	// Skipped is told of every document that is skipped, in no order; nil is told
	// nothing. One goroutine at a time calls it.
	Skipped func(Example) error
	// Progress is told how far the reading is: a bar on a terminal, else a line
	// now and then. Nil is told nothing.
	Progress io.Writer
}

// Overlap says what becomes of documents in ranges that were imported before.
type Overlap uint8

const (
	// LeaveOut does not hand them over.
	LeaveOut Overlap = iota
	// HandOver treats them as all others.
	HandOver
)

// DefaultMaxPosition is the largest page total and index of Options that do not
// give another.
const DefaultMaxPosition = 1023

func (o Options) withDefaults() Options {
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.MaxPosition == 0 {
		o.MaxPosition = DefaultMaxPosition
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// A Sink takes a batch of about a thousand documents. Several goroutines call
// it at the same time, each with documents of its own. The documents and the
// bytes in them are valid during the call only.
//
// A document that the sink cannot represent is rejected by its Reject method:
// it is then skipped, the others of the batch are counted. An error ends the
// reading, and Read returns it.
type Sink func(batch []Document) error

// Read hands all documents of the inputs to the sink and returns what it read.
// A document that no Document can represent is skipped and listed; the summary
// adds up.
//
// When it returns an error, the caller must discard everything that the sink
// has taken: a corrupt input is noticed only when it is reached. When the
// context ends, Read returns its cause at once, and never calls the sink again.
func Read(ctx context.Context, options Options, sink Sink) (Summary, error) {
	options = options.withDefaults()
	inputs, err := findInputs(options)
	if err != nil {
		return Summary{}, err
	}
	return newPipeline(options, inputs, sink).run(ctx)
}
