package snapshot

import (
	"os"

	"golang.org/x/sys/unix"
)

// fdatasync flushes a file's content, and of its metadata only what is needed
// to read that back.
func fdatasync(file *os.File) error {
	for {
		// Only an interrupted call is repeated; one that failed never is, since
		// the kernel may have dropped the pages that it could not write.
		if err := unix.Fdatasync(int(file.Fd())); err != unix.EINTR {
			return err
		}
	}
}

// allocate reserves disk space, so that appending needs no metadata and a full
// disk is noticed before a frame is half written.
func allocate(file *os.File, offset, length int64) error {
	return unix.Fallocate(int(file.Fd()), 0, offset, length)
}
