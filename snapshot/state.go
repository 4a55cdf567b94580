package snapshot

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// A SavedState is the files of one snapshot, for another directory: the snapshot and
// the closed days that it lists. They have second names, so that they stay until Close.
type SavedState struct {
	directory string
	paths     []string
	sum       uint64
}

// sharingName is the directory of these second names.
const sharingName = "sharing"

// SavedState returns the files of the snapshot of a sequence number, which must be one
// of those that are kept. One at a time may be open.
func (k *Keeper) SavedState(sequence uint64) (*SavedState, error) {
	directory := k.options.Directory
	path := disk.SnapshotPath(directory, sequence)
	read, err := recovery.ReadManifest(path, k.options.Kinds)
	if err != nil {
		return nil, err
	}
	paths := []string{path}
	for _, closed := range read.Manifest.Days {
		paths = append(paths, recovery.DayPath(directory, closed))
	}
	aside := filepath.Join(directory, sharingName)
	if err := disk.KeepAside(aside, paths); err != nil {
		return nil, errors.Join(err, disk.RemoveAside(aside))
	}
	s := &SavedState{directory: aside, sum: k.membership.sumAt(sequence)}
	for _, path := range paths {
		s.paths = append(s.paths, filepath.Join(aside, filepath.Base(path)))
	}
	return s, nil
}

// Size is how many bytes the files have together.
func (s *SavedState) Size() int64 { return disk.Sizes(s.paths...) }

// Sum is a digest of the events that it counts, see cluster.Covered; 0 where it is not known.
func (s *SavedState) Sum() uint64 { return s.sum }

// Write writes the files as a tar archive, for Adopt.
func (s *SavedState) Write(output io.Writer) error {
	archive := tar.NewWriter(output)
	for _, path := range s.paths {
		err := disk.Read(path, func(input io.Reader, size int64) error {
			if err := archive.WriteHeader(&tar.Header{Name: filepath.Base(path), Mode: 0o640, Size: size, Typeflag: tar.TypeReg}); err != nil {
				return err
			}
			_, err := io.Copy(archive, input)
			return err
		})
		if err != nil {
			return fmt.Errorf("share %q: %w", path, err)
		}
	}
	return archive.Close()
}

// Close removes the second names.
func (s *SavedState) Close() error { return disk.RemoveAside(s.directory) }

// receive unpacks what SavedState.Write wrote into a new directory. What an archive
// names otherwise than files of a data directory are named is refused.
func receive(archive io.Reader, directory string) error {
	if err := disk.MakeDirectory(directory); err != nil {
		return err
	}
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: a shared state: %w", format.ErrMalformed, err)
		}
		if err := receiveFile(reader, header, directory); err != nil {
			return err
		}
	}
	// What follows the end of the archive is still to be read: only its end says that
	// all of it is what was shared.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return err
	}
	return disk.SyncDirectory(directory)
}

func receiveFile(input io.Reader, header *tar.Header, directory string) error {
	path := filepath.Join(directory, header.Name)
	_, _, isDay := disk.ParseDay(path)
	if header.Typeflag != tar.TypeReg || filepath.Base(header.Name) != header.Name || !isDay && disk.SnapshotSequence(path) == 0 {
		return fmt.Errorf("%w: a shared state with the file %q", format.ErrMalformed, header.Name)
	}
	file, err := disk.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, input)
	return errors.Join(err, disk.SyncFile(file, "state"), file.Close())
}

// removeSharing removes what a process has left that ended while it shared its state.
func removeSharing(directory string) error {
	err := disk.RemoveAside(filepath.Join(directory, sharingName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
