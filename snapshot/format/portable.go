package format

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// A portable delta stands alone: it is the payload of a frame as a store would write
// it that knew no other names, with the numbers from 0 for benefits and from 1 for
// event types in the order of the names in it, and then 4 bytes, little endian, of the
// CRC32C of that.

// AppendPortable encodes what a store itself counted. The names are the store's, by number. It
// appends nothing where nothing was counted or marked.
func AppendPortable(b []byte, counted *counters.Gathering, benefits, events []string) []byte {
	return appendPortable(b, runsOf{counted.Heads(), counted.Hours()}, counted.Marks(), benefits, events)
}

// runsOf are counters as counters.Gathering has them.
type runsOf struct {
	heads iter.Seq[counters.Entry]
	hours iter.Seq2[counters.Hour, iter.Seq[[]counters.Entry]]
}

// runsOfSpans are those of spans.
func runsOfSpans(spans []counters.Span) runsOf {
	runs := func(span counters.Span) iter.Seq[[]counters.Entry] {
		return func(yield func([]counters.Entry) bool) {
			for entries := span.Entries; len(entries) > 0; {
				n := counters.RunLength(entries)
				if !yield(entries[:n]) {
					return
				}
				entries = entries[n:]
			}
		}
	}
	return runsOf{
		heads: func(yield func(counters.Entry) bool) {
			for _, span := range spans {
				for run := range runs(span) {
					if !yield(run[0]) {
						return
					}
				}
			}
		},
		hours: func(yield func(counters.Hour, iter.Seq[[]counters.Entry]) bool) {
			for _, span := range spans {
				if !yield(span.Hour, runs(span)) {
					return
				}
			}
		},
	}
}

func appendPortable(b []byte, counted runsOf, marks []counters.Mark, benefits, events []string) []byte {
	var numbers portableNumbers
	for head := range counted.heads {
		numbers.see(head)
	}
	if len(numbers.benefits) == 0 && len(marks) == 0 {
		return b
	}
	start := len(b)
	b = appendNamesSection(b, frameBenefits, numbers.benefits.number(benefits), 0)
	b = appendNamesSection(b, frameEvents, numbers.events.number(events), 0)
	for hour, runs := range counted.hours {
		b = appendSection(b, frameSpan, func(b []byte) []byte { return numbers.appendHour(b, hour, runs) })
	}
	b = AppendMarks(b, marks, 0)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// appendHour is appendSpan with the numbers that names have in a portable delta.
func (n *portableNumbers) appendHour(b []byte, hour counters.Hour, counted iter.Seq[[]counters.Entry]) []byte {
	b = binary.AppendUvarint(b, uint64(hour))
	var runs runs
	for run := range counted {
		benefit, event := n.of(run[0].Benefit(), run[0].Key().Event())
		b = runs.append(b, benefit, event, run)
	}
	return b
}

// AppendExpiry encodes what a node says of RETENTION as a portable delta without counts:
//
//	16       identity of the node's directory
//	uvarint  first day that it keeps
func AppendExpiry(b []byte, said cluster.Expiry) []byte {
	start := len(b)
	b = appendSection(b, frameExpiry, func(b []byte) []byte {
		return binary.AppendUvarint(append(b, said.Node[:]...), uint64(said.Before))
	})
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// portableNumbers are those of the names of a portable delta.
type portableNumbers struct{ benefits, events localNumbers }

func (n *portableNumbers) see(entry counters.Entry) {
	n.benefits.see(int(entry.Benefit()))
	n.events.see(int(entry.Key().Event()) - 1)
}

// of are the numbers of names that the store has under others.
func (n *portableNumbers) of(benefit counters.Benefit, event counters.EventType) (counters.Benefit, counters.EventType) {
	return counters.Benefit(n.benefits[benefit] - 1), counters.EventType(n.events[event-1])
}

// AppendImport encodes what a node announces to import as a portable delta without counts:
// the import, as cluster.Import.AppendTo has it.
func AppendImport(b []byte, announced cluster.Import) []byte {
	start := len(b)
	b = appendSection(b, frameImport, announced.AppendTo)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// Portables are portable deltas of what AppendPortable encodes, each of which fits into a
// frame of the log: one, or halves of halves. It returns cluster.ErrTooLarge for a counter
// or a mark that fits into none. The first has the memory of room, if that is enough.
func Portables(room []byte, counted *counters.Gathering, benefits, events []string) ([][]byte, error) {
	payload := AppendPortable(slices.Grow(room[:0], roomForPortable(counted.AtMost())), counted, benefits, events)
	if len(payload) <= cluster.MaxPayload {
		return [][]byte{payload}, nil
	}
	return portablesOfHalves(counted.Spans(), counted.Marks(), benefits, events, len(payload))
}

// PortablesOfSpans is Portables for spans that a gathering had.
func PortablesOfSpans(spans []counters.Span, marks []counters.Mark, benefits, events []string) ([][]byte, error) {
	sum := 0
	for _, span := range spans {
		sum += len(span.Entries)
	}
	payload := appendPortable(make([]byte, 0, roomForPortable(sum)), runsOfSpans(spans), marks, benefits, events)
	if len(payload) <= cluster.MaxPayload {
		return [][]byte{payload}, nil
	}
	return portablesOfHalves(spans, marks, benefits, events, len(payload))
}

// portablesOfHalves is for what takes too many bytes.
func portablesOfHalves(spans []counters.Span, marks []counters.Mark, benefits, events []string, bytes int) ([][]byte, error) {
	first, second := halves(spans)
	half := len(marks) / 2
	if len(second) == 0 && half == 0 {
		return nil, fmt.Errorf("%w: one counter takes %d bytes", cluster.ErrTooLarge, bytes)
	}
	some, err := PortablesOfSpans(first, marks[:half], benefits, events)
	if err != nil {
		return nil, err
	}
	rest, err := PortablesOfSpans(second, marks[half:], benefits, events)
	return append(some, rest...), err
}

// roomForPortable is about how many bytes a portable delta has, so that it need not grow again
// and again.
func roomForPortable(counted int) int {
	const names, ofACounter = 1 << 13, 3
	return min(names+counted*ofACounter, cluster.MaxPayload)
}

// halves are the first half of some counters and the second.
func halves(spans []counters.Span) (first, second []counters.Span) {
	total := 0
	for _, span := range spans {
		total += len(span.Entries)
	}
	left := total / 2
	for _, span := range spans {
		n := min(left, len(span.Entries))
		left -= n
		if n > 0 {
			first = append(first, counters.Span{Hour: span.Hour, Entries: span.Entries[:n]})
		}
		if n < len(span.Entries) {
			second = append(second, counters.Span{Hour: span.Hour, Entries: span.Entries[n:]})
		}
	}
	return first, second
}

// localNumbers are, by number in a store, 0 for what is not used, else the number
// in a portable delta, from 1.
type localNumbers []int

func (l *localNumbers) see(number int) {
	if missing := number + 1 - len(*l); missing > 0 {
		*l = append(*l, make([]int, missing)...)
	}
	(*l)[number] = 1
}

// number gives local numbers in the order of the store's, so that what is sorted by
// those stays sorted, and returns the names by local number.
func (l localNumbers) number(names []string) []string {
	used := make([]string, 0, len(l))
	for number, seen := range l {
		if seen != 0 {
			used = append(used, names[number])
			l[number] = len(used)
		}
	}
	return used
}

// A Told is what a portable delta has.
type Told struct {
	Counts *counters.Foreign
	// Expiries are what nodes say of RETENTION, and Imports what they announce.
	Expiries []cluster.Expiry
	Imports  []cluster.Import
}

// ReadPortable decodes a portable delta, all or nothing; the bytes must stay as they
// are until it is merged. It returns ErrTruncated, ErrChecksum or ErrMalformed, or ErrVersion
// for what a newer program encoded.
func ReadPortable(data []byte) (Told, error) {
	end := len(data) - 4
	if end < 0 {
		return Told{}, fmt.Errorf("portable delta: %w: %d bytes", ErrTruncated, len(data))
	}
	if have, want := checksum(data[:end]), binary.LittleEndian.Uint32(data[end:]); have != want {
		return Told{}, fmt.Errorf("portable delta: %w: have %08x, want %08x", ErrChecksum, have, want)
	}
	const bytesOfACounter = 2 // about; names take some of them, too
	told := Told{Counts: counters.NewForeign(len(data) / bytesOfACounter)}
	if err := ReadPayload(data[:end], told.sink()); err != nil {
		return Told{}, fmt.Errorf("portable delta: %w", err)
	}
	return told, nil
}

// sink takes what a portable delta has.
func (t *Told) sink() FrameSink {
	return FrameSink{
		Benefits: listNames(&t.Counts.Benefits),
		Events:   listNames(&t.Counts.Events),
		Renamed: func(map[uint64]string) error {
			return fmt.Errorf("it has names in place of others")
		},
		Foreign: t.Counts,
		Expiry:  func(said cluster.Expiry) { t.Expiries = append(t.Expiries, said) },
		Import:  func(announced cluster.Import) { t.Imports = append(t.Imports, announced) },
		Marks: func(mark counters.Mark, _ time.Duration) error {
			t.Counts.Marks = append(t.Counts.Marks, mark)
			return nil
		},
	}
}

// listNames appends names, whose numbers must follow each other from 0.
func listNames(list *[][]byte) Names {
	return func(number uint64, name []byte) error {
		if number != uint64(len(*list)) {
			return fmt.Errorf("%w: name %q has number %d, want %d", ErrMalformed, name, number, len(*list))
		}
		*list = append(*list, name)
		return nil
	}
}
