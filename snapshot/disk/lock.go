package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLocked is returned when another process owns the data directory.
var ErrLocked = errors.New("data directory is in use by another process")

// Lock takes the directory's LOCK file for this process, until the
// returned file is given to Unlock or the process ends, however it ends.
func Lock(directory string) (*os.File, error) {
	path := filepath.Join(directory, "LOCK")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, Plain(err))
	}
	if err := GiveToOwner(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %q; stop that process, or give this one another DATA_DIR", ErrLocked, path)
	}
	return nil, fmt.Errorf("lock %q: %w", path, err)
}

// Unlock gives a directory free. Closing alone would leave it locked
// while a process that was forked meanwhile still has the file open.
func Unlock(lock *os.File) error {
	return errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close())
}

// LockForReading keeps a server from starting meanwhile, without making a file.
func LockForReading(directory string) (unlock func(), err error) {
	path := filepath.Join(directory, "LOCK")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, Plain(err))
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%w: %q; stop the server first", ErrLocked, path)
	}
	return func() { file.Close() }, nil
}
