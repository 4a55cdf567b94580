package format

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"stats-recorder/counters"
)

// A closed day is a file of sections, see sections.go, written once. Its header:
//
//	magic    "SRDAYS\r\n"
//	flags    bit 0: the commits in it are, or were, in a journal too
//	number   the day, days since 1970-01-01
//	other    its generation: the sequence number of the snapshot that closed it
//
// Its sections, in this order: names of its benefits, names of event types, words if there are any, totals of
// the hourly kinds, then its kinds, the last number first. What a query of a long
// time needs comes first. Benefits and event types have the numbers of the store;
// the names make the file readable on its own.
const dayMagic = "SRDAYS\r\n"

// A Day is what goes into the file of a closed day beside its counts.
type Day struct {
	Day        counters.Day
	Generation uint64
	Journaled  bool
	Identity   Identity // of the directory
	// Benefits, Events and Words are those of the store.
	Benefits, Events, Words []string
}

// Write writes a closed day's file. It names the benefits that any kind counts for.
func (d Day) Write(output io.Writer, kinds counters.Kinds, tables map[counters.Kind]*counters.Table) error {
	header := appendFileHeader(nil, dayMagic, flags(d.Journaled), uint64(d.Day), d.Generation, d.Identity)
	return writeSections(output, header, func(w *sectionWriter) error {
		if err := d.writeNames(w, kinds, tables); err != nil {
			return err
		}
		for _, rule := range kinds {
			if rule.Hourly {
				if err := w.columns(totalsOf(rule.Kind), d.Day, len(d.Benefits), totals(tables[rule.Kind])); err != nil {
					return err
				}
			}
		}
		for _, rule := range slices.Backward(kinds) {
			part := counters.Part{Kind: rule.Kind, Day: d.Day}
			if err := w.part(part, max(len(d.Benefits), 1), tables[rule.Kind].Cells); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeNames writes the names of the benefits that any kind counts for, of the event
// types, and the words that any key speaks of.
func (d Day) writeNames(w *sectionWriter, kinds counters.Kinds, tables map[counters.Kind]*counters.Table) error {
	err := w.someNames(sectionSomeBenefits, d.Benefits, func(number int) bool {
		return slices.ContainsFunc(kinds, func(rule counters.KindRule) bool { return tables[rule.Kind].Has(counters.Benefit(number)) })
	})
	if err != nil {
		return err
	}
	if err := w.names(sectionEvents, d.Events); err != nil {
		return err
	}
	if used := wordsIn(kinds, tables, max(len(d.Benefits), 1)); len(used) > 0 {
		return w.someNames(sectionSomeWords, d.Words, func(number int) bool { return used[number] })
	}
	return nil
}

// wordsIn are the numbers of the words that the keys of tables speak of.
func wordsIn(kinds counters.Kinds, tables map[counters.Kind]*counters.Table, benefits int) map[int]bool {
	used := map[int]bool{}
	var cells []counters.Cell
	for _, rule := range kinds {
		for benefit := 0; rule.Detailed && benefit < benefits; benefit++ {
			cells = tables[rule.Kind].Cells(counters.Benefit(benefit), cells[:0])
			for _, cell := range cells {
				if word := cell.Key.Detail().Word; word > 0 {
					used[int(word)-1] = true
				}
			}
		}
	}
	return used
}

// totals are the counters of an hourly kind without the hour.
func totals(hours *counters.Table) Cells {
	return func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
		start := len(dst)
		for _, cell := range hours.Cells(benefit, nil) {
			key := cell.Key.WithoutHour()
			if last := len(dst) - 1; last >= start && dst[last].Key == key {
				dst[last].Count += cell.Count
				continue
			}
			dst = append(dst, counters.Cell{Key: key, Count: cell.Count})
		}
		return dst
	}
}

// CellVisitor takes the counters of one benefit.
type CellVisitor func(counters.Benefit, []counters.Cell) error

// A DaySink takes what is wanted of a closed day. What is nil, or has no entry, is
// not read.
type DaySink struct {
	Benefits, Events, Words Names
	// Counts are of kinds, and Totals of hourly kinds without the hour.
	Counts, Totals map[counters.Kind]CellVisitor
}

// ReadDay reads those parts of a file of the given size that the sink wants. The file
// must be that of the closed day. Sections of other kinds are refused with ErrVersion.
func ReadDay(input io.Reader, size int64, kinds counters.Kinds, closed ClosedDay, sink DaySink) error {
	handlers := sectionHandlers{
		sectionSomeBenefits: names(readSomeNames, sink.Benefits),
		sectionEvents:       names(readNames, sink.Events),
		sectionSomeWords:    names(readSomeNames, sink.Words),
	}
	for _, rule := range kinds {
		handlers.addDay(rule.Kind, ofAnyDay(sink.Counts[rule.Kind]))
		if rule.Hourly {
			handlers[totalsOf(rule.Kind)] = counts(readColumns, ofAnyDay(sink.Totals[rule.Kind]))
		}
	}
	return readSections(input, size, dayMagic, closed.checkHeader, handlers, sink.unwanted(kinds)...)
}

// unwanted are the types of sections with which all that is wanted has been read: the
// first kinds, which come last.
func (s DaySink) unwanted(kinds counters.Kinds) (sections []uint32) {
	for _, rule := range kinds {
		if s.Counts[rule.Kind] != nil {
			break
		}
		sections = append(sections, sectionOf(counters.Part{Kind: rule.Kind}))
		if hasDetails(rule.Kind) {
			sections = append(sections, sectionPlainDetails+uint32(rule.Kind), sectionDetails+uint32(rule.Kind))
		}
	}
	return sections
}

func ofAnyDay(visit CellVisitor) dayVisitor {
	if visit == nil {
		return nil
	}
	return func(_ counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		return visit(benefit, cells)
	}
}

func (d ClosedDay) checkHeader(header []byte) error {
	day, generation := binary.LittleEndian.Uint64(header[numberAt:]), binary.LittleEndian.Uint64(header[otherAt:])
	if day != uint64(d.Day) || generation != d.Generation {
		return fmt.Errorf("%w: day %d of generation %d, the name says %d of %d; was it renamed?",
			ErrMalformed, day, generation, d.Day, d.Generation)
	}
	if identity := headerIdentity(header, fileHeaderSize); !identity.IsZero() && !d.Owner.IsZero() && identity != d.Owner {
		return fmt.Errorf("%w: it is of %v, this one is %v", ErrForeign, identity, d.Owner)
	}
	return nil
}

// WasJournaled says whether the commits in a closed day's file were in a journal. When
// its header cannot be read, nothing is known of them.
func WasJournaled(input io.Reader) bool {
	header, err := readFileHeader(func(b []byte) error {
		_, err := io.ReadFull(input, b)
		return err
	}, dayMagic)
	return err == nil && binary.LittleEndian.Uint32(header[flagsAt:])&flagJournaled != 0
}
