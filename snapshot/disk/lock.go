package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

var (
	// ErrLocked is returned when another process owns the data directory.
	ErrLocked = errors.New("data directory is in use by another process")
	// ErrVanished is returned when a data directory, or a file that is being written in
	// it, is not the one any more that it was.
	ErrVanished = errors.New("it was removed or replaced while the server runs")
)

const lockName = "LOCK"

// A DirectoryLock owns a data directory for this process. It is on the directory
// itself, so that no file can be removed to take it twice, and on its LOCK file, which
// is all that older programs know of.
type DirectoryLock struct {
	directory *os.File
	file      *os.File // nil where there was no room to make it
}

// Lock takes a directory for this process, until the lock is given to Unlock or the
// process ends, however it ends. It returns ErrLocked or ErrNameTaken.
func Lock(directory string) (*DirectoryLock, error) {
	opened, err := lockDirectory(directory, syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	lock := &DirectoryLock{directory: opened}
	lock.file, err = lockFile(directory, os.O_RDWR|os.O_CREATE, syscall.LOCK_EX)
	if IsNoRoom(err) {
		return lock, nil
	}
	if err != nil {
		return nil, errors.Join(err, Unlock(lock))
	}
	return lock, nil
}

// Unlock gives a directory free. Closing alone would leave it locked
// while a process that was forked meanwhile still has a file open.
func Unlock(lock *DirectoryLock) error {
	var failures []error
	for _, file := range []*os.File{lock.file, lock.directory} {
		if file != nil {
			failures = append(failures, flock(file, syscall.LOCK_UN), file.Close())
		}
	}
	return errors.Join(failures...)
}

// LockForReading keeps a server from starting meanwhile, without making a file. It
// returns ErrLocked or ErrNameTaken.
func LockForReading(directory string) (unlock func(), err error) {
	opened, err := lockDirectory(directory, syscall.LOCK_SH)
	if err != nil {
		return nil, err
	}
	lock := &DirectoryLock{directory: opened}
	lock.file, err = lockFile(directory, os.O_RDONLY, syscall.LOCK_SH)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, Unlock(lock))
	}
	return func() { _ = Unlock(lock) }, nil
}

// Check returns ErrVanished when the path of the directory leads to another one than
// the one that was locked, or to none.
func (l *DirectoryLock) Check() error { return CheckPlace(l.directory) }

// CheckPlace returns ErrVanished when the path of an open file or directory leads to
// another one, or to none. Of a path that cannot be followed it says nothing.
func CheckPlace(file *os.File) error {
	there, err := os.Stat(file.Name())
	isGone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if err != nil && !isGone {
		return nil
	}
	here, err := file.Stat()
	if err != nil {
		return fmt.Errorf("stat %q: %w", file.Name(), Plain(err))
	}
	if isGone || !os.SameFile(here, there) {
		return fmt.Errorf("%q: %w; what was written since is not in its place", file.Name(), ErrVanished)
	}
	return nil
}

// lockDirectory locks the directory itself. Where the file system cannot do that, as
// over a network, the LOCK file is all there is.
func lockDirectory(path string, how int) (*os.File, error) {
	directory, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, Plain(err))
	}
	err = flock(directory, how|syscall.LOCK_NB)
	if err == nil || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return directory, nil
	}
	return nil, errors.Join(refusedLock(path, how, err), directory.Close())
}

// lockFile locks the LOCK file.
func lockFile(directory string, flags, how int) (*os.File, error) {
	path := filepath.Join(directory, lockName)
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, flags, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, Plain(err))
	}
	if flags&os.O_CREATE != 0 {
		err = GiveToOwner(file)
	}
	if err == nil {
		if err = flock(file, how|syscall.LOCK_NB); err != nil {
			err = refusedLock(path, how, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func refusedLock(path string, how int, err error) error {
	switch {
	case !errors.Is(err, syscall.EWOULDBLOCK):
		return fmt.Errorf("lock %q: %w", path, err)
	case how == syscall.LOCK_SH:
		return fmt.Errorf("%w: %q; stop the server first", ErrLocked, path)
	default:
		return fmt.Errorf("%w: %q; stop that process, or give this one another DATA_DIR", ErrLocked, path)
	}
}

// flock is the call of that name, again when it was interrupted.
func flock(file *os.File, how int) error {
	for {
		if err := syscall.Flock(int(file.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
