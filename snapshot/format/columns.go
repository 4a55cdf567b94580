package format

import (
	"encoding/binary"
	"errors"
	"fmt"

	"stats-recorder/counters"
)

// columnEncoder gathers the counters of one section.
type columnEncoder struct {
	day                counters.Day
	previous           counters.Benefit
	runs, gaps, counts []byte
}

// maxRun keeps a section below maxSection: a counter takes at most 16 bytes.
const maxRun = 16 << 10

// add appends counters of a benefit and returns those that it left for later.
func (e *columnEncoder) add(benefit counters.Benefit, cells []counters.Cell) (rest []counters.Cell) {
	n := min(len(cells), maxRun)
	e.runs = binary.AppendUvarint(e.runs, uint64(benefit-e.previous))
	e.runs = binary.AppendUvarint(e.runs, uint64(n))
	e.previous = benefit
	previous := counters.Key(0)
	for _, cell := range cells[:n] {
		e.gaps = binary.AppendUvarint(e.gaps, uint64(cell.Key-previous))
		e.counts = binary.AppendUvarint(e.counts, cell.Count)
		previous = cell.Key
	}
	return cells[n:]
}

func (e *columnEncoder) size() int { return len(e.runs) + len(e.gaps) + len(e.counts) }

// take returns the content of a section and begins the next one.
func (e *columnEncoder) take() []byte {
	b := binary.AppendUvarint(nil, uint64(e.day))
	b = binary.AppendUvarint(b, uint64(len(e.runs)))
	b = binary.AppendUvarint(b, uint64(len(e.gaps)))
	b = append(append(append(b, e.runs...), e.gaps...), e.counts...)
	*e = columnEncoder{day: e.day, runs: e.runs[:0], gaps: e.gaps[:0], counts: e.counts[:0]}
	return b
}

// dayVisitor takes the counters of one benefit and day.
type dayVisitor func(counters.Day, counters.Benefit, []counters.Cell) error

// readColumns decodes a section of columns, run by run. It returns the sum of
// the counts.
func readColumns(content []byte, visit dayVisitor) (sum uint64, err error) {
	c := &cursor{data: content}
	day, runsLength, gapsLength := c.uvarint(), c.uvarint(), c.uvarint()
	runs, gaps := &cursor{data: c.bytes(runsLength)}, &cursor{data: c.bytes(gapsLength)}
	if c.err != nil || day > uint64(counters.MaxDay) {
		c.fail("bad day or columns")
		return 0, c.err
	}
	counts := &cursor{data: content[c.pos:]}
	var cells []counters.Cell
	for benefit := uint64(0); runs.more(); {
		benefit += runs.uvarint()
		n := runs.uvarint()
		if runs.err != nil || benefit >= counters.MaxBenefits || n > uint64(len(gaps.data)-gaps.pos) {
			runs.fail("bad run")
			return 0, runs.err
		}
		cells = cells[:0]
		for key := uint64(0); n > 0; n-- {
			key += gaps.uvarint()
			cell := counters.Cell{Key: counters.Key(key), Count: counts.uvarint()}
			sum += cell.Count
			cells = append(cells, cell)
		}
		if err := errors.Join(gaps.err, counts.err); err != nil {
			return 0, err
		}
		if err := visit(counters.Day(day), counters.Benefit(benefit), cells); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	return sum, errors.Join(runs.end(), gaps.end(), counts.end())
}
