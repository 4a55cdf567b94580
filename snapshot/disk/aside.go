package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Originals are files that are about to be replaced, in a directory of their own beside
// them.
type Originals struct {
	directory string
	linked    []string // originals that have a second name there
}

// KeepOriginals gives files a second name in a new directory, durably. That takes no
// space and no reading, so that it works on a full disk and for what cannot be read.
// Where the file system has no second names, Replace moves a file there instead.
func KeepOriginals(directory string, paths []string) (*Originals, error) {
	reach("mkdir.before")
	err := os.Mkdir(directory, 0o750)
	reach("mkdir.after")
	if err != nil {
		return nil, fmt.Errorf("make directory %q: %w", directory, Plain(err))
	}
	o := &Originals{directory: directory}
	for _, path := range paths {
		if link(path, o.path(path)) == nil {
			o.linked = append(o.linked, path)
		}
	}
	if err := errors.Join(SyncDirectory(directory), SyncDirectory(filepath.Dir(directory))); err != nil {
		return nil, errors.Join(err, o.Forget())
	}
	return o, nil
}

// path is where an original is kept.
func (o *Originals) path(original string) string {
	return filepath.Join(o.directory, filepath.Base(original))
}

// Replace takes originals, which may be some of those that are kept, out of their
// places. It tries each and joins the errors.
func (o *Originals) Replace(paths []string) error {
	var failures []error
	for _, path := range paths {
		if _, err := os.Lstat(o.path(path)); err == nil {
			failures = append(failures, Remove(path))
			continue
		}
		failures = append(failures, Rename(path, o.path(path)))
	}
	return errors.Join(append(failures, SyncDirectory(filepath.Dir(o.directory)))...)
}

// Forget undoes KeepOriginals; it must not be called after Replace.
func (o *Originals) Forget() error {
	var failures []error
	for _, path := range o.linked {
		failures = append(failures, Remove(o.path(path)))
	}
	return errors.Join(append(failures, Remove(o.directory))...)
}

// link gives a file a second name. The caller syncs the directory.
func link(path, second string) error {
	reach("link.before")
	err := os.Link(path, second)
	reach("link.after")
	if err != nil {
		return fmt.Errorf("link %q to %q: %w", path, second, Plain(err))
	}
	return nil
}
