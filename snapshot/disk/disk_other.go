//go:build !linux

package disk

import (
	"errors"
	"os"
	"syscall"
)

// fdatasync is a full sync where there is nothing cheaper.
func fdatasync(file *os.File) error { return file.Sync() }

// allocate says that space cannot be reserved: files grow as they are written.
func allocate(*os.File, int64, int64) error { return errors.ErrUnsupported }

func writeZeros(*os.File, int64, int64) error { return errors.ErrUnsupported }

// beginWriting does nothing: the sync writes everything.
func beginWriting(*os.File, int64, int64) {}

// lostErrors are the errors that say that a block cannot be read.
func lostErrors() []error { return []error{syscall.EIO} }
