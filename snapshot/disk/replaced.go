package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// asidePrefix begins the name of a directory with the files that an import replaces.
const asidePrefix = "before-import-"

// AsidePath is the directory of what the import replaces that counts as a commit.
func AsidePath(directory string, sequence uint64) string {
	return filepath.Join(directory, fmt.Sprintf("%s%016x", asidePrefix, sequence))
}

// AsideSequence is the sequence number in the name of such a directory.
func AsideSequence(path string) uint64 {
	sequence, _ := parseName(path, asidePrefix)
	return sequence
}

// Asides are the directories of what imports have replaced, in order.
func Asides(directory string) (paths []string, err error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("read directory %q: %w", directory, Plain(err))
	}
	for _, entry := range entries {
		digits, found := strings.CutPrefix(entry.Name(), asidePrefix)
		if _, err := strconv.ParseUint(digits, 16, 64); found && err == nil && len(digits) == 16 && entry.IsDir() {
			paths = append(paths, filepath.Join(directory, entry.Name()))
		}
	}
	return paths, nil
}

// KeepAside gives files a second name in a new directory, durably, so that they stay
// when the first is removed. One of that name is what an interrupted import has left.
func KeepAside(aside string, paths []string) error {
	if err := MakeAside(aside); err != nil {
		return err
	}
	for _, path := range paths {
		if err := Link(path, filepath.Join(aside, filepath.Base(path))); err != nil {
			return err
		}
	}
	return errors.Join(SyncDirectory(aside), SyncDirectory(filepath.Dir(aside)))
}

// MakeAside makes such a directory anew, without any files.
func MakeAside(aside string) error {
	if err := RemoveAside(aside); err != nil {
		return err
	}
	reach("mkdir.before")
	err := os.Mkdir(aside, 0o750)
	reach("mkdir.after")
	if err != nil {
		return fmt.Errorf("make directory %q: %w", aside, Plain(err))
	}
	return giveDirectoryToOwner(aside)
}

func giveDirectoryToOwner(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %q: %w", path, Plain(err))
	}
	defer directory.Close()
	return GiveToOwner(directory)
}

// Link gives a file a second name, unless there is a file of that name, or copies it
// where the file system knows no second names. The caller syncs the directory.
func Link(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	if err := link(from, to); err == nil || errors.Is(err, os.ErrNotExist) {
		return err
	}
	return copyFile(from, to)
}

// RemoveAside removes such a directory. One that is gone already is fine.
func RemoveAside(aside string) error {
	reach("unlink.before")
	err := os.RemoveAll(aside)
	reach("unlink.after")
	if err != nil {
		return fmt.Errorf("remove %q: %w", aside, Plain(err))
	}
	return nil
}

func copyFile(from, to string) error {
	_, err := Save(to, "aside", func(output io.Writer) error {
		return Read(from, func(input io.Reader, _ int64) error {
			_, err := io.Copy(output, input)
			return err
		})
	}, func(string) error { return nil })
	return err
}
