package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Create creates a file that must not exist. The caller gives it to its
// owner, and removes it again if that fails.
func Create(path string) (*os.File, error) {
	reach("create.before")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	reach("create.after")
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", path, Plain(err))
	}
	return file, nil
}

// GiveToOwner gives a file that root has made to whom its directory belongs, so
// that a server which runs as that user can go on after an import by root.
func GiveToOwner(file *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	directory, err := os.Stat(filepath.Dir(file.Name()))
	if err != nil {
		return fmt.Errorf("stat %q: %w", filepath.Dir(file.Name()), Plain(err))
	}
	owner, ok := directory.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	if err := file.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give %q to the owner of its directory: %w", file.Name(), Plain(err))
	}
	return nil
}

// WriteAt writes all of data or returns an error. The kind names the failpoint.
func WriteAt(file *os.File, kind string, data []byte, offset int64) error {
	reach(kind + ".write.before")
	n, err := file.WriteAt(data, offset)
	reach(kind + ".write.after")
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write %q at offset %d: %w", file.Name(), offset, Plain(err))
	}
	return nil
}

// OpenToWrite opens a file that is there, to write to it.
func OpenToWrite(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, Plain(err))
	}
	return file, nil
}

// Reserve has the file system set space aside, so that a full disk is noticed
// before anything is half written.
func Reserve(file *os.File, offset, length int64) error {
	reach("reserve.before")
	err := allocate(file, offset, length)
	reach("reserve.after")
	if err != nil {
		return fmt.Errorf("reserve %d bytes of %q at offset %d: %w", length, file.Name(), offset, err)
	}
	return nil
}

// Blank writes zeros to a part of a file.
func Blank(file *os.File, offset, length int64) error {
	reach("blank.before")
	err := writeZeros(file, offset, length)
	reach("blank.after")
	if err != nil {
		return fmt.Errorf("write zeros to %q at offset %d: %w", file.Name(), offset, err)
	}
	return nil
}

// SyncFile makes a file and its size durable.
func SyncFile(file *os.File, kind string) error {
	reach(kind + ".sync.before")
	err := file.Sync()
	reach(kind + ".sync.after")
	if err != nil {
		return fmt.Errorf("sync %q: %w", file.Name(), Plain(err))
	}
	return nil
}

// SyncData makes what was written to a file durable.
func SyncData(file *os.File, kind string) error {
	reach(kind + ".sync.before")
	err := fdatasync(file)
	reach(kind + ".sync.after")
	if err != nil {
		return fmt.Errorf("sync %q: %w", file.Name(), Plain(err))
	}
	return nil
}

// IsNoRoom says whether something failed because the disk is full, or what this
// process may have of it.
func IsNoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// Rename moves a file within its directory and makes that durable.
func Rename(from, to string) error {
	if err := RenameUnsynced(from, to); err != nil {
		return err
	}
	return SyncDirectory(filepath.Dir(to))
}

// RenameUnsynced moves a file within its directory. That is durable once the directory
// is synced.
func RenameUnsynced(from, to string) error {
	reach("rename.before")
	err := os.Rename(from, to)
	reach("rename.after")
	if err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, Plain(err))
	}
	return nil
}

// SyncDirectory makes the names in a directory durable.
func SyncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, Plain(err))
	}
	defer directory.Close()
	return SyncFile(directory, "directory")
}

// Remove deletes a file. A file that is gone already is fine.
func Remove(path string) error {
	reach("unlink.before")
	err := os.Remove(path)
	reach("unlink.after")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %q: %w", path, Plain(err))
	}
	return nil
}

// Truncate cuts a file off at size.
func Truncate(file *os.File, size int64) error {
	reach("truncate.before")
	err := file.Truncate(size)
	reach("truncate.after")
	if err != nil {
		return fmt.Errorf("truncate %q to %d bytes: %w", file.Name(), size, Plain(err))
	}
	return nil
}

// Plain takes the path and the operation off an error of package os, since the
// caller names both.
func Plain(err error) error {
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err
	}
	if linkError := (*os.LinkError)(nil); errors.As(err, &linkError) {
		return linkError.Err
	}
	return err
}

// Save writes a file under a temporary name, reads it back through check, and only
// then gives it its name. It returns the size. A file that has the name already is
// one that a crash left before it meant anything: it is replaced. The kind names the
// failpoints.
func Save(path, kind string, write func(io.Writer) error, check func(temporary string) error) (size int64, err error) {
	temporary := TemporaryPath(path)
	if err := errors.Join(checkRegular(temporary), checkRegular(path)); err != nil {
		return 0, err
	}
	if err := Remove(temporary); err != nil {
		return 0, err
	}
	if size, err = writeNew(temporary, kind, write); err == nil {
		err = check(temporary)
	}
	if err != nil {
		return 0, errors.Join(err, Remove(temporary))
	}
	if err := Rename(temporary, path); err != nil {
		return 0, errors.Join(err, Remove(temporary))
	}
	return size, nil
}

// WriteNew writes a file that must not exist, durably but for its name. What is there
// after an error means nothing. The kind names the failpoints.
func WriteNew(path, kind string, write func(io.Writer) error) error {
	_, err := writeNew(path, kind, write)
	return err
}

func writeNew(path, kind string, write func(io.Writer) error) (size int64, err error) {
	file, err := Create(path)
	if err != nil {
		return 0, err
	}
	output := &writer{file: file, kind: kind}
	if err = GiveToOwner(file); err == nil {
		err = write(output)
	}
	if err == nil {
		err = SyncFile(file, kind)
	}
	return output.offset, errors.Join(err, file.Close())
}

// Mark makes an empty file, durably. It may be there already.
func Mark(path string) error {
	if err := checkRegular(path); err != nil {
		return err
	}
	reach("create.before")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	reach("create.after")
	if err != nil {
		return fmt.Errorf("create %q: %w", path, Plain(err))
	}
	err = errors.Join(GiveToOwner(file), file.Close())
	if err == nil {
		err = SyncDirectory(filepath.Dir(path))
	}
	return err
}

// Read opens a file to read it. Errors of read, which begin with where in the file,
// get its name.
func Read(path string, read func(input io.Reader, size int64) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, Plain(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("stat %q: %w", path, Plain(err))
	}
	if err := read(file, info.Size()); err != nil {
		return fmt.Errorf("file %q %w", path, err)
	}
	return nil
}

// writer writes a file from front to back.
type writer struct {
	file   *os.File
	kind   string
	offset int64
}

// Write also has the disk begin to write: little by little, so that no commit waits
// for all of it.
func (w *writer) Write(data []byte) (int, error) {
	if err := WriteAt(w.file, w.kind, data, w.offset); err != nil {
		return 0, err
	}
	beginWriting(w.file, w.offset, int64(len(data)))
	w.offset += int64(len(data))
	return len(data), nil
}

// MakeDirectory makes a directory and those above it where they are missing.
func MakeDirectory(path string) error {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return fmt.Errorf("make data directory %q: %w", path, Plain(err))
	}
	return nil
}

// SyncPath makes a file durable that was written by another process.
func SyncPath(path, kind string) error {
	file, err := OpenToWrite(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return SyncFile(file, kind)
}

// CutOff cuts a journal file off at size and makes that durable.
func CutOff(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, Plain(err))
	}
	defer file.Close()
	if err := Truncate(file, size); err != nil {
		return err
	}
	return SyncFile(file, "journal")
}
