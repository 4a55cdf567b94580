package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Every operation that changes the disk goes through this file, so that each
// has a failpoint before and after it and an error that names the path.

// ErrLocked is returned when another process owns the data directory.
var ErrLocked = errors.New("data directory is in use by another process")

// createExclusive creates a file that must not exist. The caller gives it to its
// owner, and removes it again if that fails.
func createExclusive(path string) (*os.File, error) {
	reach("create.before")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	reach("create.after")
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", path, plain(err))
	}
	return file, nil
}

// giveToOwner gives a file that root has made to whom its directory belongs, so
// that a server which runs as that user can go on after an import by root.
func giveToOwner(file *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	directory, err := os.Stat(filepath.Dir(file.Name()))
	if err != nil {
		return fmt.Errorf("stat %q: %w", filepath.Dir(file.Name()), plain(err))
	}
	owner, ok := directory.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	if err := file.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give %q to the owner of its directory: %w", file.Name(), plain(err))
	}
	return nil
}

// writeAt writes all of data or returns an error. The kind names the failpoint.
func writeAt(file *os.File, kind string, data []byte, offset int64) error {
	reach(kind + ".write.before")
	n, err := file.WriteAt(data, offset)
	reach(kind + ".write.after")
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write %q at offset %d: %w", file.Name(), offset, plain(err))
	}
	return nil
}

// reopen opens a file once more, to write to it.
func reopen(file *os.File) (*os.File, error) {
	again, err := os.OpenFile(file.Name(), os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", file.Name(), plain(err))
	}
	return again, nil
}

// reserve has the file system set space aside, so that a full disk is noticed
// before anything is half written.
func reserve(file *os.File, offset, length int64) error {
	reach("reserve.before")
	err := allocate(file, offset, length)
	reach("reserve.after")
	if err != nil {
		return fmt.Errorf("reserve %d bytes of %q at offset %d: %w", length, file.Name(), offset, err)
	}
	return nil
}

// blank writes zeros to a part of a file.
func blank(file *os.File, offset, length int64) error {
	reach("blank.before")
	err := writeZeros(file, offset, length)
	reach("blank.after")
	if err != nil {
		return fmt.Errorf("write zeros to %q at offset %d: %w", file.Name(), offset, err)
	}
	return nil
}

// syncFile makes a file and its size durable.
func syncFile(file *os.File, kind string) error {
	reach(kind + ".sync.before")
	err := file.Sync()
	reach(kind + ".sync.after")
	if err != nil {
		return fmt.Errorf("sync %q: %w", file.Name(), plain(err))
	}
	return nil
}

// syncData makes what was written to a file durable.
func syncData(file *os.File, kind string) error {
	reach(kind + ".sync.before")
	err := fdatasync(file)
	reach(kind + ".sync.after")
	if err != nil {
		return fmt.Errorf("sync %q: %w", file.Name(), plain(err))
	}
	return nil
}

// rename moves a file within its directory and makes that durable.
func rename(from, to string) error {
	reach("rename.before")
	err := os.Rename(from, to)
	reach("rename.after")
	if err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, plain(err))
	}
	return syncDirectory(filepath.Dir(to))
}

// syncDirectory makes the names in a directory durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, plain(err))
	}
	defer directory.Close()
	return syncFile(directory, "directory")
}

// remove deletes a file. A file that is gone already is fine.
func remove(path string) error {
	reach("unlink.before")
	err := os.Remove(path)
	reach("unlink.after")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %q: %w", path, plain(err))
	}
	return nil
}

// truncate cuts a file off at size.
func truncate(file *os.File, size int64) error {
	reach("truncate.before")
	err := file.Truncate(size)
	reach("truncate.after")
	if err != nil {
		return fmt.Errorf("truncate %q to %d bytes: %w", file.Name(), size, plain(err))
	}
	return nil
}

// lockDirectory takes the directory's LOCK file for this process, until the
// returned file is given to unlockDirectory or the process ends, however it ends.
func lockDirectory(directory string) (*os.File, error) {
	path := filepath.Join(directory, "LOCK")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, plain(err))
	}
	if err := giveToOwner(file); err != nil {
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

// unlockDirectory gives a directory free. Closing alone would leave it locked
// while a process that was forked meanwhile still has the file open.
func unlockDirectory(lock *os.File) error {
	return errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close())
}

// plain takes the path and the operation off an error of package os, since the
// caller names both.
func plain(err error) error {
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err
	}
	if linkError := (*os.LinkError)(nil); errors.As(err, &linkError) {
		return linkError.Err
	}
	return err
}
