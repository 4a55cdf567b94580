package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Unnamed makes a file without a name in a directory. It is gone once it is closed, or
// the process is.
func Unnamed(directory string) (*os.File, error) {
	descriptor, err := unix.Open(directory, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) { // an old file system, an old kernel
		return nameless(directory)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: directory, Err: err}
	}
	return os.NewFile(uintptr(descriptor), directory), nil
}
