package importer

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// standardInput is the path that means Options.Stdin.
const standardInput = "-"

// input is one file to read.
type input struct {
	path    string // or what standard input is called
	size    int64  // as it is stored, or unknownSize
	isStdin bool
}

const unknownSize = -1

// findInputs replaces the directories among the paths by the files in them
// that are to be read, and makes sure that all are there before the first is read.
func findInputs(options Options) ([]input, error) {
	var inputs []input
	for _, path := range options.Paths {
		if path == standardInput {
			inputs = append(inputs, input{path: cmp.Or(options.StdinName, path), size: unknownSize, isStdin: true})
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", path, plain(err))
		}
		if !info.IsDir() {
			inputs = append(inputs, input{path: path, size: sizeOf(info)})
			continue
		}
		found, err := findInDirectory(path, chooser{wanted: options.Collection})
		if err != nil {
			return nil, fmt.Errorf("read directory %q: %w", path, err)
		}
		inputs = append(inputs, found...)
	}
	return inputs, nil
}

// sizeOf is the size of a file. Anything else, such as a pipe, does not say.
func sizeOf(info fs.FileInfo) int64 {
	if !info.Mode().IsRegular() {
		return unknownSize
	}
	return info.Size()
}

// findInDirectory finds the file of the collection to read in what mongodump
// wrote: <dump>/<database>/<collection>.bson, or .bson.gz. The directory may be
// the dump's or the database's.
func findInDirectory(directory string, choice chooser) ([]input, error) {
	root, err := filepath.EvalSymlinks(directory) // WalkDir does not follow any
	if err != nil {
		return nil, plain(err)
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	var found []input
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		collection, ok := collectionOf(entry.Name())
		if entry.IsDir() || !ok {
			return nil
		}
		wanted, err := choice.choose(databaseOf(root, path, collection), collection)
		if err != nil || !wanted {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		found = append(found, input{path: filepath.Join(directory, relative), size: sizeOf(info)})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("%w: %q and %q; name one file", ErrSeveralCollections, found[0].path, found[1].path)
	}
	return found, choice.found()
}

// collectionOf is the collection of a file's name in a dump directory.
func collectionOf(name string) (collection string, ok bool) {
	name = strings.TrimSuffix(name, ".gz")
	escaped, ok := strings.CutSuffix(name, ".bson")
	if !ok || escaped == "" {
		return "", false
	}
	collection, err := url.PathUnescape(escaped) // mongodump escapes what a file's name cannot have
	if err != nil {
		return escaped, true
	}
	return collection, true
}

// databaseOf is the database of a file in a dump directory: its directory's
// name. Only the oplog lies beside the databases, in the dump's own directory.
func databaseOf(root, path, collection string) string {
	directory := filepath.Dir(path)
	if directory == root && collection == "oplog" {
		return ""
	}
	return filepath.Base(directory)
}

// open returns the bytes as they are stored.
func (in input) open(stdin io.Reader) (io.ReadCloser, error) {
	if in.isStdin {
		return io.NopCloser(stdin), nil
	}
	file, err := os.Open(in.path)
	if err != nil {
		return nil, plain(err)
	}
	return file, nil
}

// gzipMagic is how everything gzipped begins.
var gzipMagic = []byte{0x1f, 0x8b}

// inflated returns the content of something that may be gzipped.
func inflated(stored io.Reader) (*bufio.Reader, error) {
	reader := bufio.NewReaderSize(stored, 64<<10)
	start, err := reader.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !bytes.Equal(start, gzipMagic) {
		return reader, nil
	}
	content, err := gzip.NewReader(reader)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(content, 4<<10), nil
}

// format is how documents lie in an input's content.
type format uint8

const (
	formatBSON format = iota
	formatJSON
	formatArchive
)

// byteOrderMark is what some programs write before JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// detect tells the format from the content's first bytes. It returns how many
// of them are not part of the documents.
func detect(content *bufio.Reader) (found format, skip int, err error) {
	start, err := content.Peek(512)
	if err != nil && err != io.EOF {
		return 0, 0, err
	}
	if bytes.HasPrefix(start, archiveMagic) {
		return formatArchive, 0, nil
	}
	if startsBSON(start) {
		return formatBSON, 0, nil
	}
	withoutMark := bytes.TrimPrefix(start, byteOrderMark)
	first := skipSpace(withoutMark, 0)
	if first == len(withoutMark) && len(start) < 512 || first < len(withoutMark) && slices.Contains([]byte("{["), withoutMark[first]) {
		return formatJSON, len(start) - len(withoutMark), nil
	}
	return 0, 0, &flaw{ErrFormat, 0, fmt.Sprintf("it starts with %q; want JSON of mongoexport, BSON or an archive of mongodump, or an export of this program as JSON lines", start[:min(len(start), 16)])}
}

// startsBSON reports whether a document's length and its first field's type, or
// its end, may come first. No JSON is taken for BSON: its first four bytes, as a
// length, are above every document's; in UTF-16, the next is no type.
func startsBSON(start []byte) bool {
	if len(start) < minBSONBytes {
		return false
	}
	length, next := binary.LittleEndian.Uint32(start), start[4]
	isType := 0x01 <= next && next <= 0x13 || next == 0x7f || next == 0xff
	return length == minBSONBytes && next == 0 || minBSONBytes < length && length <= maxBSONBytes && isType
}

// newSplitter returns the splitter of a format.
func newSplitter(found format, collection string) splitter {
	switch found {
	case formatJSON:
		return &jsonSplitter{}
	case formatArchive:
		return &archiveSplitter{chooser: chooser{wanted: collection}}
	default:
		return bsonSplitter{}
	}
}

// readFailure turns an error of an input's reader into one about the input.
func readFailure(err error) error {
	inflate := flate.CorruptInputError(0)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &flaw{ErrTruncated, 0, "what is gzipped has no end"}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &inflate):
		return &flaw{ErrCorrupt, 0, err.Error()}
	}
	return plain(err)
}

// plain takes the path and the operation off an error of package os, since the
// caller names both.
func plain(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}
