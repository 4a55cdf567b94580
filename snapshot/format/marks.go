package format

import (
	"encoding/binary"
	"slices"
	"time"

	"stats-recorder/counters"
)

// MarkVisitor takes a mark and how long servers had run on the directory when its batch
// became durable.
type MarkVisitor = func(mark counters.Mark, at time.Duration) error

// ignoreMarks is for who has no use for them.
func ignoreMarks(counters.Mark, time.Duration) error { return nil }

// Marks are what a snapshot has of the marks of batches.
type Marks interface {
	// Len is how many there are.
	Len() int
	// At is how long servers had run when they were taken.
	At() time.Duration
	// Each visits them in the order in which their batches became durable.
	Each(MarkVisitor) error
}

// AppendMarks encodes the marks of a delta as sections of its frame's payload, as of a
// time that servers have run; nothing where there are none.
func AppendMarks(b []byte, marks []counters.Mark, at time.Duration) []byte {
	b = appendMarks(b, frameMarks, marks, false, at)
	return appendMarks(b, frameMergedMarks, marks, true, at)
}

// appendMarks encodes those that were merged, or those that were not.
func appendMarks(b []byte, kind byte, marks []counters.Mark, merged bool, at time.Duration) []byte {
	if !slices.ContainsFunc(marks, func(mark counters.Mark) bool { return mark.Merged == merged }) {
		return b
	}
	return appendSection(b, kind, func(b []byte) []byte {
		b = appendMarksBegin(b, at)
		for _, mark := range marks {
			if mark.Merged == merged {
				b = appendMark(b, mark, 0)
			}
		}
		return b
	})
}

// appendMarksBegin begins marks in snapshots and frames:
//
//	uvarint  milliseconds that servers have run on the directory
//	then for each, see appendMark
func appendMarksBegin(b []byte, at time.Duration) []byte {
	return binary.AppendUvarint(b, uint64(at.Milliseconds()))
}

// appendMark encodes a mark:
//
//	key (16), body (16), uvarint milliseconds since its batch became durable, uvarint
//	length of the answer, answer
func appendMark(b []byte, mark counters.Mark, age time.Duration) []byte {
	b = append(append(b, mark.Key[:]...), mark.Body[:]...)
	b = binary.AppendUvarint(b, uint64(age.Milliseconds()))
	return appendName(b, mark.Answer)
}

func readMarks(content []byte, visit MarkVisitor) error {
	c := &cursor{data: content}
	at := c.milliseconds()
	for c.more() {
		var mark counters.Mark
		copy(mark.Key[:], c.bytes(uint64(len(mark.Key))))
		copy(mark.Body[:], c.bytes(uint64(len(mark.Body))))
		age := c.milliseconds()
		mark.Answer = string(c.bytes(c.uvarint()))
		if age > at {
			c.fail("a mark from before there was a server")
		}
		if c.err != nil {
			return c.err
		}
		if err := visit(mark, at-age); err != nil {
			return err
		}
	}
	return c.end()
}

// marks writes marks; a directory that never had any has no section of them.
func (w *sectionWriter) marks(marks Marks) error {
	if marks == nil || marks.Len() == 0 {
		return nil
	}
	content := appendMarksBegin(nil, marks.At())
	begin := len(content)
	err := marks.Each(func(mark counters.Mark, at time.Duration) error {
		content = appendMark(content, mark, marks.At()-at)
		if len(content) < sectionTarget {
			return nil
		}
		err := w.section(sectionMarks, content)
		content = content[:begin]
		return err
	})
	if err != nil || len(content) == begin {
		return err
	}
	return w.section(sectionMarks, content)
}
