package disk

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

// allocate reserves disk space.
func allocate(file *os.File, offset, length int64) error {
	return unix.Fallocate(int(file.Fd()), 0, offset, length)
}

// zeroPiece is how many zeros are written at a time. The kernel caches what is
// written at once in one piece, and goes through all of that for each frame which
// is written into it later: with a megabyte at a time nothing was gained.
const zeroPiece = 4 << 10

func writeZeros(file *os.File, offset, length int64) error {
	zeros := make([]byte, zeroPiece)
	for end := offset + length; offset < end; {
		// Not pwrite, which is for frames, so that what strace makes fail of the one
		// does not make the other fail.
		n, err := unix.Pwritev(int(file.Fd()), [][]byte{zeros[:min(zeroPiece, end-offset)]}, offset)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		offset += int64(n)
	}
	return nil
}

// beginWriting has the kernel write a part of a file to the disk, which nobody
// waits for.
func beginWriting(file *os.File, offset, length int64) {
	_ = unix.SyncFileRange(int(file.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
}

// lostErrors are the errors with which Linux says that a block cannot be read, or is not
// what the file system once wrote there.
func lostErrors() []error {
	return []error{unix.EIO, unix.ENODATA, unix.EBADMSG, unix.EUCLEAN, unix.EILSEQ, unix.EREMOTEIO}
}
