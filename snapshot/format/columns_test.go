package format_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

// columnsOf is a section of day 7 with one run of so many counters of a benefit.
func columnsOf(benefit, run uint64, gaps, counts []byte) []byte {
	runs := binary.AppendUvarint(binary.AppendUvarint(nil, benefit), run)
	content := binary.AppendUvarint(nil, 7)
	content = binary.AppendUvarint(content, uint64(len(runs)))
	content = binary.AppendUvarint(content, uint64(len(gaps)))
	return slices.Concat(content, runs, gaps, counts)
}

// TestARunIsAsLongAsItsGapsAtMost has runs that say how many counters follow: a
// reader that believed them would read for ever.
func TestARunIsAsLongAsItsGapsAtMost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content []byte
		good    bool
	}{
		"as many as there are":         {columnsOf(3, 2, []byte{5, 1}, []byte{1, 9}), true},
		"one more":                     {columnsOf(3, 3, []byte{5, 1}, []byte{1, 9, 1}), false},
		"one less":                     {columnsOf(3, 1, []byte{5, 1}, []byte{1, 9}), false},
		"more than can be read":        {columnsOf(3, 1<<62, []byte{5, 1}, []byte{1, 9}), false},
		"the last benefit there is":    {columnsOf(counters.MaxBenefits-1, 1, []byte{5}, []byte{1}), true},
		"a benefit that there is not":  {columnsOf(counters.MaxBenefits, 1, []byte{5}, []byte{1}), false},
		"no counts for the last of it": {columnsOf(3, 2, []byte{5, 1}, []byte{1}), false},
	} {
		visited := 0
		sum, err := format.ReadColumns(test.content, func(day counters.Day, _ counters.Benefit, cells []counters.Cell) error {
			visited += len(cells)
			return nil
		})
		if test.good && (err != nil || sum == 0 || visited == 0) {
			t.Errorf("%s: got %d in %d counters, and %v", name, sum, visited, err)
		}
		if !test.good && !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}
