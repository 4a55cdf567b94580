package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive or a package, from a file or a text.
type entry struct {
	name   string
	from   string // path; empty if the text is meant
	text   string
	mode   os.FileMode
	packed bool // by gzip, as Debian wants manual pages and changelogs
}

func (e entry) content() ([]byte, error) {
	content := []byte(e.text)
	if e.from != "" {
		var err error
		if content, err = os.ReadFile(e.from); err != nil {
			return nil, err
		}
	}
	if !e.packed {
		return content, nil
	}
	return packed(content)
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

// packed compresses as well as gzip can, without a name or a date.
func packed(content []byte) ([]byte, error) {
	var written bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&written, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = compressed.Write(content)
	err = errors.Join(err, compressed.Close())
	return written.Bytes(), err
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
