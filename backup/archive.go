package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
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

// archiveSuffix ends the names of archives that SaveArchive chooses.
const (
	archivePrefix = "stats-recorder-"
	archiveSuffix = ".tar.zst"
)

// WriteArchive writes what is held as one stream: a tar file, compressed by zstd, with
// the manifest first and then the files. Tar and zstd unpack it into a data directory.
func WriteArchive(output io.Writer, held *Held) error {
	compressed, err := zstd.NewWriter(output)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	archive := tar.NewWriter(compressed)
	if err := writeMembers(archive, held); err != nil {
		return err
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func writeMembers(archive *tar.Writer, held *Held) error {
	text, err := held.Manifest.Encode()
	if err != nil {
		return err
	}
	err = writeMember(archive, held.Manifest, ManifestName, int64(len(text)), strings.NewReader(string(text)))
	for _, file := range held.Manifest.Files {
		content, openError := held.Open(file.Name)
		if err = errors.Join(err, openError); err == nil {
			err = writeMember(archive, held.Manifest, file.Name, file.Bytes, content)
		}
	}
	return err
}

func writeMember(archive *tar.Writer, m Manifest, name string, size int64, content io.Reader) error {
	err := archive.WriteHeader(&tar.Header{
		Name: name, Size: size, Mode: 0o640, ModTime: m.Taken, Typeflag: tar.TypeReg, Format: tar.FormatPAX,
	})
	if err == nil {
		_, err = io.Copy(archive, content)
	}
	if err != nil {
		return fmt.Errorf("write %s to the archive: %w", name, err)
	}
	return nil
}

// SaveArchive writes what is held to a file, reads all of it back, and only then gives it
// its name. In a directory, it gives it a name that sorts by time. A file that is there
// is replaced if it is a backup; else ErrNotABackup is returned. It returns the path and
// the size.
func SaveArchive(path string, held *Held) (saved string, bytes int64, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, archiveName(held.Manifest))
	} else if err == nil {
		if err := checkReplaced(path, info); err != nil {
			return "", 0, err
		}
	}
	bytes, err = disk.Save(path, "backup", func(output io.Writer) error {
		return WriteArchive(output, held)
	}, func(temporary string) error {
		read, err := checkArchive(temporary)
		if err == nil && (read.Commit != held.Manifest.Commit || !slices.Equal(read.Files, held.Manifest.Files)) {
			err = fmt.Errorf("%q: %w: it says other than what was written", temporary, ErrDamaged)
		}
		return err
	})
	return path, bytes, err
}

// archiveName is the name of an archive in a directory with others.
func archiveName(m Manifest) string {
	return archivePrefix + m.Taken.Format("20060102T150405Z") + fmt.Sprintf("-%016x", m.Commit) + archiveSuffix
}

// checkReplaced makes sure that no file goes that is no backup.
func checkReplaced(path string, info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q: %w; write to standard output by -", path, disk.ErrNameTaken)
	}
	if _, err := archiveManifest(path); err != nil {
		return fmt.Errorf("%q is there already, and is not replaced: %w", path, ErrNotABackup)
	}
	return nil
}

// archiveManifest reads the manifest of an archive alone.
func archiveManifest(path string) (m Manifest, err error) {
	enough := errors.New("the manifest was read")
	err = FromArchive(path).read(func(read Manifest) error {
		m = read
		return enough
	}, nil)
	if errors.Is(err, enough) {
		err = nil
	}
	return m, err
}

// checkArchive reads all of an archive, and says what it holds.
func checkArchive(path string) (m Manifest, err error) {
	err = FromArchive(path).read(func(read Manifest) error {
		m = read
		return nil
	}, func(file File, content io.Reader) error {
		return copyChecked(io.Discard, file, content)
	})
	return m, err
}

// copyChecked copies a file of a backup, and returns ErrDamaged for one that is not what
// the manifest says.
func copyChecked(output io.Writer, file File, content io.Reader) error {
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(output, sum), content)
	switch have := hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
		return fmt.Errorf("file %s of the backup: %w", file.Name, err)
	case size != file.Bytes:
		return fmt.Errorf("file %s of the backup: %w: %d bytes, want %d", file.Name, ErrDamaged, size, file.Bytes)
	case have != file.SHA256:
		return fmt.Errorf("file %s of the backup: %w: SHA-256 %s, want %s", file.Name, ErrDamaged, have, file.SHA256)
	}
	return nil
}
