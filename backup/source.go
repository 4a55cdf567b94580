package backup

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/snapshot/disk"
)

// A Source is where a backup is read from, once, front to back.
type Source struct {
	// Name is what people call it.
	Name string
	read reader
}

// reader gives the manifest to begin, then each file in it to take, once.
type reader func(begin func(Manifest) error, take func(File, io.Reader) error) error

// SourceOf is a backup whose manifest is known, and whose files are to be opened by a
// function.
func SourceOf(name string, m Manifest, open func(File) (io.ReadCloser, error)) Source {
	return Source{name, func(begin func(Manifest) error, take func(File, io.Reader) error) error {
		if err := begin(m); err != nil {
			return err
		}
		for _, file := range m.Files {
			content, err := open(file)
			if err != nil {
				return err
			}
			if err := errors.Join(take(file, content), content.Close()); err != nil {
				return err
			}
		}
		return nil
	}}
}

// FromArchive is the archive in a file.
func FromArchive(path string) Source {
	return Source{path, func(begin func(Manifest) error, take func(File, io.Reader) error) error {
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open %q: %w", path, disk.Plain(err))
		}
		defer file.Close()
		if err := readArchive(file, begin, take); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		return nil
	}}
}

// FromStream is the archive that comes from a reader.
func FromStream(name string, input io.Reader) Source {
	return Source{name, func(begin func(Manifest) error, take func(File, io.Reader) error) error {
		if err := readArchive(input, begin, take); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}}
}

// FromDirectory is the newest archive of those that SaveArchive has put in a directory.
func FromDirectory(path string) (Source, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return Source{}, fmt.Errorf("read directory %q: %w", path, disk.Plain(err))
	}
	for _, entry := range slices.Backward(entries) {
		if name := entry.Name(); strings.HasPrefix(name, archivePrefix) && strings.HasSuffix(name, archiveSuffix) {
			return FromArchive(filepath.Join(path, name)), nil
		}
	}
	return Source{}, fmt.Errorf("%q: %w: it has no file %s…%s", path, ErrNotABackup, archivePrefix, archiveSuffix)
}

// readArchive reads what WriteArchive wrote. Its members must be those that the manifest
// names, each once. It returns ErrNotABackup, ErrNewer or ErrDamaged.
func readArchive(input io.Reader, begin func(Manifest) error, take func(File, io.Reader) error) error {
	plain, err := zstd.NewReader(input)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotABackup, err)
	}
	defer plain.Close()
	archive := tar.NewReader(plain)
	m, err := readManifest(archive)
	if err != nil {
		return err
	}
	if err := begin(m); err != nil {
		return err
	}
	for _, want := range m.Files {
		header, err := archive.Next()
		if err != nil {
			return fmt.Errorf("%w: file %s is missing: %w", ErrDamaged, want.Name, err)
		}
		if header.Name != want.Name {
			return fmt.Errorf("%w: file %q, want %s", ErrDamaged, header.Name, want.Name)
		}
		if err := take(want, unpacked{archive}); err != nil {
			return err
		}
	}
	// The end of the compressed stream has its checksum.
	if header, err := archive.Next(); err == nil {
		return fmt.Errorf("%w: file %q comes after the last one", ErrDamaged, header.Name)
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// unpacked says of what cannot be unpacked that it is damaged.
type unpacked struct{ archive *tar.Reader }

// Read is that of the archive.
func (u unpacked) Read(data []byte) (int, error) {
	n, err := u.archive.Read(data)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}

func readManifest(archive *tar.Reader) (Manifest, error) {
	header, err := archive.Next()
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, zstd.ErrMagicMismatch) || errors.Is(err, tar.ErrHeader):
		return Manifest{}, fmt.Errorf("%w: %w", ErrNotABackup, err)
	case err != nil:
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	case header.Name != ManifestName || header.Size > mostManifestBytes:
		return Manifest{}, fmt.Errorf("%w: it begins with %q", ErrNotABackup, header.Name)
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return ParseManifest(text)
}
