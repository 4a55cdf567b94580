package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// AppendPayload encodes a delta as the payload of a frame, and the names that the
// journal does not know yet: those of benefits from a number on, and those of event types
// that are not the known ones.
func AppendPayload(b []byte, delta *counters.Delta, benefits, events []string, knownBenefits int, knownEvents []string) []byte {
	if knownBenefits < len(benefits) {
		b = appendNamesSection(b, frameBenefits, benefits, knownBenefits)
	}
	if len(knownEvents) < len(events) {
		b = appendNamesSection(b, frameEvents, events, len(knownEvents))
	}
	if isRenamed := renamed(events, knownEvents); isRenamed != nil {
		b = appendSection(b, frameRenamed, func(b []byte) []byte {
			b, _ = appendSomeNames(b, events, 0, isRenamed)
			return b
		})
	}
	for _, span := range delta.Spans {
		kind := byte(frameSpan)
		if span.Merged {
			kind = frameMerged
		}
		b = appendSpanSection(b, kind, span)
	}
	for _, note := range delta.Notes {
		b = appendSection(b, frameNote, func(b []byte) []byte { return append(b, note...) })
	}
	return b
}

// renamed says which of the known names are others now; nil for none. Lists that share
// their memory agree as far as both go: a name is changed in a copy.
func renamed(names, known []string) func(number int) bool {
	if len(known) == 0 || &names[0] == &known[0] {
		return nil
	}
	isRenamed := func(number int) bool { return number < len(known) && names[number] != known[number] }
	for number := range known {
		if isRenamed(number) {
			return isRenamed
		}
	}
	return nil
}

// AppendNothing encodes a commit without counts and names, as the payload of a frame.
func AppendNothing(b []byte, knownBenefits int) []byte {
	return appendSection(b, frameBenefits, func(b []byte) []byte {
		return binary.AppendUvarint(binary.AppendUvarint(b, uint64(knownBenefits)), 0)
	})
}

func appendNamesSection(b []byte, kind byte, names []string, first int) []byte {
	return appendSection(b, kind, func(b []byte) []byte { return appendNames(b, names, first) })
}

func appendSpanSection(b []byte, kind byte, span counters.Span) []byte {
	return appendSection(b, kind, func(b []byte) []byte { return appendSpan(b, span) })
}

// appendSection leaves room for the longest length before the content and
// closes the gap afterwards, which is cheaper than a second buffer.
func appendSection(b []byte, kind byte, content func([]byte) []byte) []byte {
	b = append(b, kind)
	start := len(b)
	b = append(b, make([]byte, binary.MaxVarintLen32)...)
	b = content(b)
	body := b[start+binary.MaxVarintLen32:]
	n := binary.PutUvarint(b[start:], uint64(len(body)))
	copy(b[start+n:], body)
	return b[:start+n+len(body)]
}

// A FrameSink takes what the payload of a frame holds. Marks may be nil.
type FrameSink struct {
	Benefits, Events Names
	// Renamed gets the names of event types whose numbers had others, under which nothing
	// counts; nil for nobody.
	Renamed func(map[uint64]string) error
	// Counts gets what was counted here, and what was merged where Merged is nil. If Foreign is
	// there, it gets that in place of Counts.
	Counts, Merged func(counters.Hour, counters.Benefit, []counters.Cell) error
	Foreign        *counters.Foreign
	// Note gets what the commit has to do with the log; nil for nobody.
	Note func(cluster.Note) error
	// Expiry gets what a node says of RETENTION; nil for nobody.
	Expiry func(cluster.Expiry)
	// Import gets what a node announces to import; nil for nobody.
	Import func(cluster.Import)
	// Marks gets the keys of batches that came here, and of those that were merged where
	// MergedMarks is nil; nil for nobody.
	Marks, MergedMarks MarkVisitor
}

func (s FrameSink) marks() MarkVisitor {
	if s.Marks == nil {
		return ignoreMarks
	}
	return s.Marks
}

func (s FrameSink) mergedMarks() MarkVisitor {
	if s.MergedMarks == nil {
		return s.marks()
	}
	return s.MergedMarks
}

// counts reads what was counted here, merged what was merged.
func (s FrameSink) counts() func(*cursor, runHead) error {
	if s.Foreign != nil {
		return packInto(s.Foreign)
	}
	return visitRuns(s.Counts)
}

func (s FrameSink) merged() func(*cursor, runHead) error {
	if s.Merged == nil {
		return s.counts()
	}
	return visitRuns(s.Merged)
}

func (s FrameSink) readNote(content []byte) error {
	if s.Note == nil {
		return nil
	}
	note, err := cluster.DecodeNote(bytes.Clone(content)) // who keeps a note keeps no file
	if err != nil {
		return ofCluster(err)
	}
	return s.Note(note)
}

// readExpiry decodes what AppendExpiry encoded.
func (s FrameSink) readExpiry(content []byte) error {
	c := &cursor{data: content}
	said := cluster.Expiry{Node: [16]byte(make([]byte, 16))}
	copy(said.Node[:], c.bytes(16))
	before := c.uvarint()
	if c.err == nil && before > uint64(counters.MaxDay)+1 {
		c.fail("bad day")
	}
	said.Before = counters.Day(before)
	if err := c.end(); err != nil {
		return err
	}
	if s.Expiry != nil {
		s.Expiry(said)
	}
	return nil
}

// readImport decodes what AppendImport encoded.
func (s FrameSink) readImport(content []byte) error {
	announced, err := cluster.DecodeImport(content)
	if err == nil {
		_, err = ReadMemory(announced.Memory)
	}
	if err != nil {
		return ofCluster(err)
	}
	if s.Import != nil {
		s.Import(announced)
	}
	return nil
}

// ofCluster is an error of package cluster about what a file holds.
func ofCluster(err error) error {
	if errors.Is(err, cluster.ErrFormat) {
		return fmt.Errorf("%w: %w", ErrVersion, err)
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// ReplayInto adds to a store, and to what is known of the log.
func ReplayInto(store *counters.Store, membership **cluster.Membership) FrameSink {
	return FrameSink{
		Benefits: NamesOf(store.Benefits), Events: NamesOf(store.Events), Renamed: store.RenameEventTypes, Counts: store.Replay,
		Note: ApplyTo(membership),
	}
}

// ApplyTo applies notes to what is known of the log, nil for nothing.
func ApplyTo(membership **cluster.Membership) func(cluster.Note) error {
	return func(note cluster.Note) error {
		if *membership == nil {
			*membership = &cluster.Membership{}
		}
		(*membership).Apply(note)
		return nil
	}
}

func readRenamed(content []byte, visit func(map[uint64]string) error) error {
	names := map[uint64]string{}
	err := readSomeNames(content, func(number uint64, name []byte) error {
		names[number] = string(name)
		return nil
	})
	if err != nil || visit == nil {
		return err
	}
	if err := visit(names); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// ReadPayload decodes the payload of a frame.
func ReadPayload(payload []byte, sink FrameSink) error {
	c := &cursor{data: payload}
	for c.more() {
		kind := c.byte()
		content := c.bytes(c.uvarint())
		if c.err != nil {
			return c.err
		}
		var err error
		switch kind {
		case frameBenefits:
			err = readNames(content, sink.Benefits)
		case frameEvents:
			err = readNames(content, sink.Events)
		case frameRenamed:
			err = readRenamed(content, sink.Renamed)
		case frameSpan:
			err = readSpan(content, sink.counts())
		case frameMerged:
			err = readSpan(content, sink.merged())
		case frameNote:
			err = sink.readNote(content)
		case frameExpiry:
			err = sink.readExpiry(content)
		case frameImport:
			err = sink.readImport(content)
		case frameMarks:
			err = readMarks(content, sink.marks())
		case frameMergedMarks:
			err = readMarks(content, sink.mergedMarks())
		default:
			err = unknownVersion("frame section of unknown type %d", kind)
		}
		if err != nil {
			return err
		}
	}
	return c.end()
}
