//go:build !linux

package main

import (
	"errors"
	"time"
)

// readMemory is known on Linux only.
func readMemory(int) (resident, peak int64, err error) { return 0, 0, errors.ErrUnsupported }

// readWrittenBytes is known on Linux only.
func readWrittenBytes(int) (int64, error) { return 0, errors.ErrUnsupported }

// readForeignTime is known on Linux only.
func readForeignTime() (time.Duration, error) { return 0, errors.ErrUnsupported }

// isMemoryFileSystem is known on Linux only.
func isMemoryFileSystem(string) bool { return false }
