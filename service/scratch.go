package service

import (
	"errors"
	"fmt"

	"stats-recorder/httpapi/spool"
	"stats-recorder/snapshot"
)

// scratch makes files for large answers in the data directory, where that takes neither
// memory nor space that records need.
func (c Config) scratch(keeper *snapshot.Keeper) func() (spool.File, error) {
	return func() (spool.File, error) {
		switch s := storageOf(c.DataDir); {
		case s.kind == "tmpfs", s.kind == "ramfs":
			return nil, errors.New("the data directory is in memory")
		case s.known && s.freeBytes < leastFreeBytes:
			return nil, fmt.Errorf("there are only %d MB of space, which are left for records", s.freeBytes>>20)
		}
		return keeper.Scratch()
	}
}
