package importer

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The limits of what a Summary lists.
const (
	maxExamples = 100
	maxReasons  = 100
)

// Summary is what was read. Read = Counted + Skipped + Covered.
type Summary struct {
	// Read, Counted, Skipped and Covered are numbers of documents. Covered are those
	// that were left out because they lie in Options.Covered.
	Read, Counted, Skipped, Covered uint64
	// Unplaced is how many documents have no ObjectId, so that nothing tells whether
	// they were imported before.
	Unplaced uint64
	// Sources are the sources of the documents, by name.
	Sources []Source
	// Again is how many documents are there more than once. It is not known where there
	// are very many in no order.
	Again        uint64
	AgainUnknown bool
	// Events is the sum of the counts of the documents that were counted. It is
	// Counted, unless there are rows of our own export.
	Events uint64
	// Undated is how many of the events have no time.
	Undated uint64
	// Earliest and Latest are the times of the first and the last event that has
	// one; zero when there is none.
	Earliest, Latest time.Time
	// Reasons is how many documents were skipped, by reason. Beyond a hundred
	// reasons, the rest is "other reasons".
	Reasons map[string]uint64
	// Examples are some of the documents that were skipped, at most a hundred, in
	// the order of the inputs.
	Examples []Example
	// Inputs are the files that were read. Inputs with the same fingerprint have
	// the same content, unless they are empty.
	Inputs []Input
	// Fingerprint is that of all inputs together. It does not depend on what the
	// sink rejected.
	Fingerprint Fingerprint
}

// Example is a document that was skipped.
type Example struct {
	// Path and Offset say where it begins. In something gzipped, the offset is
	// counted after inflation.
	Path   string `json:"path"`
	Offset int64  `json:"offset"`
	// ID is the document's _id, as Document.ID; empty when it has none.
	ID string `json:"id"`
	// Reason is the same for all documents with that fault.
	Reason string `json:"reason"`
	// Have is the value at fault, shortened; empty when the sink rejected it.
	Have string `json:"have,omitempty"`

	input int
}

// Input is one file that was read.
type Input struct {
	Path string
	// Read is how many documents it has.
	Read        uint64
	Fingerprint Fingerprint
}

// tally gathers what one worker has read.
type tally struct {
	Summary
	earliest, latest int64 // milliseconds since 1970
	sources          map[string]*sourceTally
}

func newTally(inputs []input) *tally {
	made := &tally{earliest: afterMilli, latest: firstMilli - 1}
	made.Reasons, made.sources = make(map[string]uint64), make(map[string]*sourceTally)
	for _, in := range inputs {
		made.Inputs = append(made.Inputs, Input{Path: in.path})
	}
	return made
}

// source is what was read of a source.
func (t *tally) source(name string, covered []Range) *sourceTally {
	if t.sources[name] == nil {
		t.sources[name] = newSourceTally(covered)
	}
	return t.sources[name]
}

// read notes that documents of an input were read, counted or not.
func (t *tally) read(input, documents int, content Fingerprint) {
	t.Read += uint64(documents)
	t.Inputs[input].Read += uint64(documents)
	t.Inputs[input].Fingerprint = t.Inputs[input].Fingerprint.plus(content)
}

// counted notes a document that the sink has taken.
func (t *tally) counted(document *Document) {
	t.Counted++
	t.Events += document.Count
	if document.Precision == AllTime {
		t.Undated += document.Count
		return
	}
	milli := document.CreatedAt.UnixMilli()
	t.earliest, t.latest = min(t.earliest, milli), max(t.latest, milli)
}

// skipped notes a document that is not counted.
func (t *tally) skipped(example Example) {
	t.Skipped++
	reason := example.Reason
	if _, known := t.Reasons[reason]; !known && len(t.Reasons) >= maxReasons {
		reason = "other reasons"
	}
	t.Reasons[reason]++
	if len(t.Examples) < maxExamples {
		t.Examples = append(t.Examples, example)
	}
}

// wantsExample is whether the next document that is skipped will be listed.
func (t *tally) wantsExample() bool { return len(t.Examples) < maxExamples }

// sumUp makes one summary of the tallies, of which there is at least one.
func sumUp(tallies []*tally) Summary {
	total := tallies[0]
	for _, t := range tallies[1:] {
		total.merge(t)
	}
	slices.SortFunc(total.Examples, func(a, b Example) int {
		return cmp.Or(cmp.Compare(a.input, b.input), cmp.Compare(a.Offset, b.Offset))
	})
	total.Examples = total.Examples[:min(len(total.Examples), maxExamples)]
	for _, in := range total.Inputs {
		total.Fingerprint = total.Fingerprint.plus(in.Fingerprint)
	}
	if total.earliest <= total.latest {
		total.Earliest, total.Latest = time.UnixMilli(total.earliest).UTC(), time.UnixMilli(total.latest).UTC()
	}
	for _, name := range slices.Sorted(maps.Keys(total.sources)) {
		total.Sources = append(total.Sources, total.sources[name].finished(name))
	}
	return total.Summary
}

func (t *tally) merge(other *tally) {
	t.Read += other.Read
	t.Counted += other.Counted
	t.Skipped += other.Skipped
	t.Covered += other.Covered
	t.Unplaced += other.Unplaced
	t.Events += other.Events
	t.Undated += other.Undated
	t.earliest, t.latest = min(t.earliest, other.earliest), max(t.latest, other.latest)
	t.Examples = append(t.Examples, other.Examples...)
	for _, reason := range slices.Sorted(maps.Keys(other.Reasons)) {
		t.Reasons[reason] += other.Reasons[reason]
	}
	for name, source := range other.sources {
		t.source(name, source.covered).merge(source)
	}
	for i, in := range other.Inputs {
		t.Inputs[i].Read += in.Read
		t.Inputs[i].Fingerprint = t.Inputs[i].Fingerprint.plus(in.Fingerprint)
	}
}
