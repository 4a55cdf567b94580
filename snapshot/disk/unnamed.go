package disk

import (
	"errors"
	"os"
)

// nameless makes a file and takes its name away. Where an open file must have one, it
// fails.
func nameless(directory string) (*os.File, error) {
	file, err := os.CreateTemp(directory, ".answer-*"+temporarySuffix)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}
