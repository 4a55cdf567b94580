package format

import (
	"encoding/binary"
	"io"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// A snapshot is a file of sections, see sections.go. Its header:
//
//	magic    "SRSNAP\r\n"
//	flags    bit 0: the commits after this one are in a journal
//	number   sequence number of the last commit in it
//	other    when it was written, milliseconds since 1970, for people
//
// Its sections, in this order: names of benefits and of event types, words if there are any, the days
// that are closed, the imports and their sources, the clock if there is anything to remember of it,
// the membership if there is one, the keys of batches if there are any, then its parts: the past of
// each kind that keeps it, and for each open day its
// kinds in the order of their numbers.
const (
	snapshotMagic = "SRSNAP\r\n"
	flagJournaled = 1 << 0
)

// A SnapshotHeader is what a snapshot says of itself.
type SnapshotHeader struct {
	Sequence  uint64
	Journaled bool
	Written   time.Time
	// Identity is that of the directory; the zero one for none.
	Identity Identity
}

func (h SnapshotHeader) encode() []byte {
	return appendFileHeader(nil, snapshotMagic, flags(h.Journaled), h.Sequence, uint64(h.Written.UnixMilli()), h.Identity)
}

func flags(journaled bool) uint32 {
	if journaled {
		return flagJournaled
	}
	return 0
}

func decodeSnapshotHeader(b []byte) SnapshotHeader {
	return SnapshotHeader{
		Journaled: binary.LittleEndian.Uint32(b[flagsAt:])&flagJournaled != 0,
		Sequence:  binary.LittleEndian.Uint64(b[numberAt:]),
		Written:   time.UnixMilli(int64(binary.LittleEndian.Uint64(b[otherAt:]))),
		Identity:  headerIdentity(b, fileHeaderSize),
	}
}

// A Snapshot is what goes into a snapshot beside its counts.
type Snapshot struct {
	Header   SnapshotHeader
	Manifest *Manifest
	// Benefits, Events and Words are those of the store.
	Benefits, Events, Words []string
	Marks                   Marks // nil for none
}

// PartCells appends the counters of a benefit in a part to dst, sorted by key.
type PartCells func(part counters.Part, benefit counters.Benefit, dst []counters.Cell) []counters.Cell

// Write writes a snapshot of the given parts.
func (s Snapshot) Write(output io.Writer, parts []counters.Part, cells PartCells) error {
	return writeSections(output, s.Header.encode(), func(w *sectionWriter) error {
		if err := w.names(sectionBenefits, s.Benefits); err != nil {
			return err
		}
		if err := w.names(sectionEvents, s.Events); err != nil {
			return err
		}
		if err := w.names(sectionWords, s.Words); err != nil {
			return err
		}
		if err := w.section(sectionDays, s.Manifest.appendDays(nil)); err != nil {
			return err
		}
		if err := w.imports(&s.Manifest.Imports); err != nil {
			return err
		}
		if s.Manifest.Clock != nil {
			if err := w.section(sectionClock, s.Manifest.appendClock(nil)); err != nil {
				return err
			}
		}
		if s.Manifest.Membership != nil {
			if err := w.membership(s.Manifest.Membership); err != nil {
				return err
			}
		}
		if s.Manifest.Left != (cluster.Epoch{}) {
			if err := w.section(sectionLeft, s.Manifest.Left[:]); err != nil {
				return err
			}
		}
		if err := w.marks(s.Marks); err != nil {
			return err
		}
		for _, part := range parts {
			ofPart := func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell { return cells(part, benefit, dst) }
			if err := w.part(part, max(len(s.Benefits), 1), ofPart); err != nil {
				return err
			}
		}
		return nil
	})
}

// A SnapshotSink takes what a snapshot has; what is nil is not read.
type SnapshotSink struct {
	Benefits, Events, Words Names
	Counts                  func(counters.Part, counters.Benefit, []counters.Cell) error
	Marks                   MarkVisitor
}

// RestoreInto adds to an empty store.
func RestoreInto(store *counters.Store) SnapshotSink {
	return SnapshotSink{Benefits: NamesOf(store.Benefits), Events: NamesOf(store.Events), Words: NamesOf(store.Words), Counts: store.Restore}
}

// ReadSnapshot reads a file of the given size. Sections of other kinds are refused
// with ErrVersion.
func ReadSnapshot(input io.Reader, size int64, kinds counters.Kinds, sink SnapshotSink) (SnapshotHeader, *Manifest, error) {
	header, manifest := SnapshotHeader{}, &Manifest{}
	begin := func(b []byte) error {
		header = decodeSnapshotHeader(b)
		return nil
	}
	handlers := sectionHandlers{
		sectionBenefits: names(readNames, sink.Benefits),
		sectionEvents:   names(readNames, sink.Events),
		sectionWords:    names(readNames, sink.Words),
		sectionDays:     manifest.readDays,
		sectionDayRows:  manifest.readDayRows,
		sectionImports:  manifest.Imports.readList,
		sectionSources:  manifest.Imports.readSource,
		sectionClock:    manifest.readClock,

		sectionMembership: manifest.readMembership,
		sectionLeft:       manifest.readLeft,
		sectionMarks:      marks(sink.Marks),
	}
	for _, rule := range kinds {
		handlers.addDay(rule.Kind, sink.ofDays(rule.Kind))
		if rule.Kept {
			handlers[sectionOf(counters.Part{Kind: rule.Kind, Day: counters.Past})] = counts(readColumns, sink.ofPast(rule.Kind))
		}
	}
	err := readSections(input, size, snapshotMagic, begin, handlers)
	manifest.identify(header.Identity)
	return header, manifest, err
}

func (s SnapshotSink) ofDays(kind counters.Kind) dayVisitor {
	if s.Counts == nil {
		return nil
	}
	return func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		return s.Counts(counters.Part{Kind: kind, Day: day}, benefit, cells)
	}
}

func (s SnapshotSink) ofPast(kind counters.Kind) dayVisitor {
	if s.Counts == nil {
		return nil
	}
	return func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		return s.Counts(counters.Part{Kind: kind, Day: counters.Past}, benefit, cells)
	}
}
