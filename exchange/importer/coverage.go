package importer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// A Key orders the documents of one source by time. It is the ObjectId of a
// document of the old service, which begins with the second in which it was made. A
// row of our own export has its day in the last four bytes.
type Key = [12]byte

// A Range is documents of one source. Keys lie from First to Last.
type Range struct {
	First, Last Key
	// Documents is how many there are, and Sum the sum, modulo 2^128, of a 64-bit
	// hash of each: of its ObjectId, or of all of a row. What is hashed must never
	// change, because callers store the sum.
	Documents uint64
	Sum       Fingerprint
}

// A Source is where documents come from: a collection, or the data directory
// that wrote an export.
type Source struct {
	// Name is Options.Source for documents of the old service, and ExportSource of
	// the directory for rows of an export.
	Name string
	// New are the ranges of documents that lie in none of the ranges that were given as
	// Options.Covered. They hold none of those, and are in order.
	New []Range
	// Known are what there is of each of the ranges that were given, in their order.
	// Documents is 0 for none.
	Known []Range
	// Origin is set for rows of an export that says whose it is.
	Origin *Origin
}

// Documents is how many documents are in ranges.
func Documents(ranges []Range) (sum uint64) {
	for _, r := range ranges {
		sum += r.Documents
	}
	return sum
}

// undatedDay stands for the day of rows without one.
const undatedDay = 1<<32 - 1

// dayKey is the Key of the rows of a day, in days since 1970-01-01.
func dayKey(day uint32) (key Key) {
	binary.BigEndian.PutUint32(key[8:], day)
	return key
}

// keyOf is the Key of a document. Only ObjectIds say when a document was made.
func keyOf(d *Document) (key Key, known bool) {
	switch {
	case d.isRow && d.Precision == AllTime:
		return dayKey(undatedDay), true
	case d.isRow:
		return dayKey(uint32(d.CreatedAt.Unix() / (24 * 60 * 60))), true
	case d.id.kind == objectID:
		return Key(d.id.bytes), true
	}
	return Key{}, false
}

// KeyTime is when the document of a Key was made, as far as that tells: the second of
// an ObjectId, the day of a row, the end of time for rows without a day.
func KeyTime(key Key) time.Time {
	if day := binary.BigEndian.Uint32(key[8:]); bytes.Equal(key[:8], make([]byte, 8)) {
		return time.Unix(int64(day)*24*60*60, 0).UTC()
	}
	return time.Unix(int64(binary.BigEndian.Uint32(key[:4])), 0).UTC()
}

// rangeTally gathers a Range.
type rangeTally struct {
	Range
	sum sum128
}

func (s *rangeTally) add(key Key, hash uint64) {
	s.include(key, key)
	s.Documents++
	s.sum.add(hash)
}

func (s *rangeTally) include(first, last Key) {
	if s.Documents == 0 || bytes.Compare(first[:], s.First[:]) < 0 {
		s.First = first
	}
	if s.Documents == 0 || bytes.Compare(last[:], s.Last[:]) > 0 {
		s.Last = last
	}
}

func (s *rangeTally) merge(other rangeTally) {
	if other.Documents == 0 {
		return
	}
	s.include(other.First, other.Last)
	s.Documents += other.Documents
	s.sum.merge(other.sum)
}

func (s *rangeTally) finished() Range {
	made := s.Range
	made.Sum = s.sum.bytes()
	return made
}

// sourceTally gathers what one worker has read of one source.
type sourceTally struct {
	covered []Range
	known   []rangeTally // of each covered range
	fresh   []rangeTally // before each covered range, and after the last
	origin  *Origin
}

func newSourceTally(covered []Range) *sourceTally {
	return &sourceTally{covered: covered, known: make([]rangeTally, len(covered)), fresh: make([]rangeTally, len(covered)+1)}
}

// note notes a document, and says whether it lies in a covered range.
func (s *sourceTally) note(key Key, hash uint64) (covered bool) {
	at, covered := slices.BinarySearchFunc(s.covered, key, func(r Range, key Key) int {
		switch {
		case bytes.Compare(r.Last[:], key[:]) < 0:
			return -1
		case bytes.Compare(r.First[:], key[:]) > 0:
			return 1
		}
		return 0
	})
	if covered {
		s.known[at].add(key, hash)
	} else {
		s.fresh[at].add(key, hash)
	}
	return covered
}

func (s *sourceTally) merge(other *sourceTally) {
	for i := range s.known {
		s.known[i].merge(other.known[i])
	}
	for i := range s.fresh {
		s.fresh[i].merge(other.fresh[i])
	}
	s.say(other.origin)
}

// say notes what a row says of its origin; nil for nothing.
func (s *sourceTally) say(origin *Origin) {
	switch {
	case s.origin == nil:
		s.origin = origin
	case origin != nil:
		s.origin.merge(origin)
	}
}

func (s *sourceTally) finished(name string) Source {
	made := Source{Name: name, Origin: s.origin}
	for i := range s.known {
		made.Known = append(made.Known, s.known[i].finished())
	}
	for i := range s.fresh {
		if s.fresh[i].Documents > 0 {
			made.New = append(made.New, s.fresh[i].finished())
		}
	}
	return made
}
