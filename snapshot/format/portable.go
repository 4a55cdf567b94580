package format

import (
	"encoding/binary"
	"fmt"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// A portable delta stands alone: it is the payload of a frame as a store would write
// it that knew no other names, with the numbers from 0 for benefits and from 1 for
// event types in the order of the names in it, and then 4 bytes, little endian, of the
// CRC32C of that.

// AppendPortable encodes what a store itself counted, as counters.Gathering has it. The
// names are the store's, by number. It appends nothing where nothing was counted or marked.
func AppendPortable(b []byte, spans []counters.Span, marks []counters.Mark, benefits, events []string) []byte {
	var numbers portableNumbers
	for _, span := range spans {
		for entries := span.Entries; len(entries) > 0; entries = entries[runLength(entries):] {
			numbers.see(entries[0])
		}
	}
	if len(numbers.benefits) == 0 && len(marks) == 0 {
		return b
	}
	start := len(b)
	b = appendNamesSection(b, frameBenefits, numbers.benefits.number(benefits), 0)
	b = appendNamesSection(b, frameEvents, numbers.events.number(events), 0)
	for _, span := range spans {
		b = appendSpanSection(b, frameSpan, span, &numbers)
	}
	b = AppendMarks(b, marks, 0)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
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
func (l localNumbers) number(names []string) (used []string) {
	for number, seen := range l {
		if seen != 0 {
			used = append(used, names[number])
			l[number] = len(used)
		}
	}
	return used
}

// ReadPortable decodes a portable delta, all or nothing; the bytes must stay as they
// are until it is merged. What nodes say of RETENTION in it comes beside. It returns ErrTruncated,
// ErrChecksum or ErrMalformed, or ErrVersion for what a newer program encoded.
func ReadPortable(data []byte) (*counters.Foreign, []cluster.Expiry, error) {
	end := len(data) - 4
	if end < 0 {
		return nil, nil, fmt.Errorf("portable delta: %w: %d bytes", ErrTruncated, len(data))
	}
	if have, want := checksum(data[:end]), binary.LittleEndian.Uint32(data[end:]); have != want {
		return nil, nil, fmt.Errorf("portable delta: %w: have %08x, want %08x", ErrChecksum, have, want)
	}
	const bytesOfACounter = 2 // about; names take some of them, too
	foreign, expiries := counters.NewForeign(len(data)/bytesOfACounter), []cluster.Expiry(nil)
	err := ReadPayload(data[:end], FrameSink{
		Benefits: listNames(&foreign.Benefits),
		Events:   listNames(&foreign.Events),
		Renamed: func(map[uint64]string) error {
			return fmt.Errorf("it has names in place of others")
		},
		Counts: foreign.Add,
		Expiry: func(said cluster.Expiry) { expiries = append(expiries, said) },
		Marks: func(mark counters.Mark, _ time.Duration) error {
			foreign.Marks = append(foreign.Marks, mark)
			return nil
		},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("portable delta: %w", err)
	}
	return foreign, expiries, nil
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
