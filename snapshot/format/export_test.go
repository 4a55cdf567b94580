package format

import "stats-recorder/counters"

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

func Details(day counters.Day, benefits int, read Cells) (content []byte, ok bool) {
	all, ok := detailsOf(benefits, read)
	if !ok {
		return nil, false
	}
	return all.encode(day), true
}

func ReadSpan(content []byte, visit func(counters.Hour, counters.Benefit, []counters.Cell) error) error {
	return readSpan(content, visit)
}
