package format

import (
	"testing"

	"stats-recorder/counters"
)

// ReadNames, ReadColumns and ReadSpan decode contents on their own.
func ReadNames(content []byte, directory *counters.Directory) error {
	return readNames(content, NamesOf(directory))
}

func ReadColumns(content []byte, visit func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error) {
	return readColumns(content, visit)
}

// ReadDetails decodes a content of details, Details encodes the counters of a part as one, if
// they are such.
func ReadDetails(content []byte, visit func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error) {
	return readDetails(content, visit)
}

// ReadPlainDetails decodes one that an earlier program wrote.
func ReadPlainDetails(content []byte, visit func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error) {
	return readPlainDetails(content, visit)
}

// DetailsAgain encodes what it decodes of a content that is good.
func DetailsAgain(t testing.TB, content []byte, plain bool) []byte {
	t.Helper()
	c := &cursor{data: content}
	day := c.uvarint()
	r := &detailReader{cursor: c, plain: plain}
	if plain {
		r.numbers = plainNumbers{c}
	} else {
		r.numbers = newUnpacker(c)
	}
	if _, err := r.read(day, func(counters.Day, counters.Benefit, []counters.Cell) error { return nil }); err != nil {
		t.Fatal(err)
	}
	read := details{benefits: r.benefits, keys: r.keys, counts: r.counts}
	return read.encode(counters.Day(day))
}

func Details(day counters.Day, benefits int, read Cells) (content []byte, ok bool) {
	all, ok := detailsOf(benefits, read)
	if !ok {
		return nil, false
	}
	return all.encode(day), true
}

func ReadSpan(content []byte, visit func(counters.Hour, counters.Benefit, []counters.Cell) error) error {
	return readSpan(content, visitRuns(visit))
}

// ReadAsCells is ReadPortable of a payload without a checksum, run by run as cells.
func ReadAsCells(payload []byte) (*counters.Foreign, error) {
	told := Told{Counts: counters.NewForeign(0)}
	sink := told.sink()
	sink.Foreign, sink.Counts = nil, told.Counts.Add
	return told.Counts, ReadPayload(payload, sink)
}
