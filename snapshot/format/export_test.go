package format

import "stats-recorder/counters"

// ReadNames, ReadColumns and ReadSpan decode contents on their own.
func ReadNames(content []byte, directory *counters.Directory) error {
	return readNames(content, NamesOf(directory))
}

func ReadColumns(content []byte, visit func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error) {
	return readColumns(content, visit)
}

func ReadSpan(content []byte, visit func(counters.Hour, counters.Benefit, []counters.Cell) error) error {
	return readSpan(content, visit)
}
