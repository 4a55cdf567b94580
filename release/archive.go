package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive, from a file or a text.
type entry struct {
	name string
	from string // path; empty if the text is meant
	text string
	mode os.FileMode
}

func (e entry) content() ([]byte, error) {
	if e.from == "" {
		return []byte(e.text), nil
	}
	return os.ReadFile(e.from)
}

// writeArchive writes entries into a compressed tar, below a directory of its own,
// all of one date and of nobody.
func writeArchive(path, top string, entries []entry, date time.Time) error {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	var written bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&written, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, e := range entries {
		content, err := e.content()
		if err != nil {
			return err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: top + "/" + e.name, Size: int64(len(content)), Mode: int64(e.mode), ModTime: date, Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("write %q: %w", path, err)
		}
		if _, err := archive.Write(content); err != nil {
			return fmt.Errorf("write %q: %w", path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return os.WriteFile(path, written.Bytes(), 0o644)
}

// packed compresses a text as Debian wants its manual pages: gzip's best, without
// a name or a date.
func packed(text string) (string, error) {
	var written strings.Builder
	compressed, err := gzip.NewWriterLevel(&written, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := compressed.Write([]byte(text)); err != nil {
		return "", err
	}
	if err := compressed.Close(); err != nil {
		return "", err
	}
	return written.String(), nil
}

// packedFile is packed for the text of a file.
func packedFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return packed(string(text))
}

// checksums is the file that sha256sum --check reads.
const checksums = "SHA256SUMS"

// writeChecksums writes the sums of all files in a directory.
func writeChecksums(directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(directory, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), e.Name())
	}
	return os.WriteFile(filepath.Join(directory, checksums), []byte(sums.String()), 0o644)
}
