package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// directoryBytes is the size of all files under a directory. Files come and go
// while a server works; one that is gone counts nothing.
func directoryBytes(directory string) (int64, error) {
	sum := int64(0)
	err := filepath.WalkDir(directory, func(_ string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		if information, err := entry.Info(); err == nil {
			sum += information.Size()
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("size of %q: %w", directory, err)
	}
	return sum, nil
}
