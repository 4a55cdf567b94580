package importer

import (
	"encoding/binary"
	"fmt"
)

// The largest documents. MongoDB's own limit is 16 MiB and a little more for
// what it adds by itself; as JSON a document is longer.
const (
	maxBSONBytes = 16<<20 + 16<<10
	maxJSONBytes = 32 << 20
	minBSONBytes = 5
)

// A splitter finds documents in a stream of bytes.
type splitter interface {
	// split looks at the bytes that follow those it is done with. It appends the
	// documents that lie whole in data to spans and returns with how many bytes
	// it is done. When ended is true, no more bytes follow, and it is done with
	// all of them unless the stream is flawed.
	split(data []byte, ended bool, spans []span) (found []span, done int, err error)
}

// span is where a document lies: data[start:end].
type span struct{ start, end int }

// flaw is an error in bytes, with its offset from the first byte that was looked
// at. The text may be empty, when the kind says it all.
type flaw struct {
	kind error
	at   int
	text string
}

// Error is the kind, and what is wrong.
func (f *flaw) Error() string {
	if f.text == "" {
		return f.kind.Error()
	}
	return f.kind.Error() + ": " + f.text
}

// Unwrap is the kind.
func (f *flaw) Unwrap() error { return f.kind }

func corrupt(at int, format string, arguments ...any) *flaw {
	return &flaw{ErrCorrupt, at, fmt.Sprintf(format, arguments...)}
}

func truncated(at int, format string, arguments ...any) *flaw {
	return &flaw{ErrTruncated, at, fmt.Sprintf(format, arguments...)}
}

// bsonSplitter finds the documents of a .bson file: one after the other.
type bsonSplitter struct{}

func (bsonSplitter) split(data []byte, ended bool, spans []span) ([]span, int, error) {
	position := 0
	for position < len(data) {
		end, err := bsonEnd(data, position, ended)
		if end < 0 || err != nil {
			return spans, position, err
		}
		spans = append(spans, span{position, end})
		position = end
	}
	return spans, position, nil
}

// bsonEnd returns where the BSON document at a position ends, or -1 when that
// is not in data.
func bsonEnd(data []byte, position int, ended bool) (int, error) {
	rest := data[position:]
	if len(rest) < 4 {
		if ended {
			return -1, truncated(position, "%d bytes are left, want a document of at least %d", len(rest), minBSONBytes)
		}
		return -1, nil
	}
	length := int(int32(binary.LittleEndian.Uint32(rest)))
	if length < minBSONBytes || length > maxBSONBytes {
		return -1, corrupt(position, "document of %d bytes, want %d to %d", length, minBSONBytes, maxBSONBytes)
	}
	if length > len(rest) {
		if ended {
			return -1, truncated(position, "%d bytes are left, want a document of %d", len(rest), length)
		}
		return -1, nil
	}
	if last := rest[length-1]; last != 0 {
		return -1, corrupt(position+length-1, "document ends with byte 0x%02x, want 0x00", last)
	}
	return position + length, nil
}
