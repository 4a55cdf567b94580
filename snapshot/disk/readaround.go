package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Lost says whether an error of reading means that the disk cannot give back what was
// written. Any other error is about the process that reads, which may have no right to
// or too many open files: another time it may go well.
func Lost(err error) bool {
	return slices.ContainsFunc(lostErrors(), func(lost error) bool { return errors.Is(err, lost) })
}

// The steps in which ReadAround reads: what it can at once, and the least that a disk
// loses.
const (
	longestRead  = 1 << 20
	shortestRead = 4 << 10
)

// ReadAround reads a file as far as the disk can. What it cannot read is zeros, and
// counted. Each part that is passed over is twice as long as the one just before it,
// so that a disk which takes seconds to fail is not asked for every block.
func ReadAround(path string) (data []byte, lost int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open %q: %w", path, Plain(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("stat %q: %w", path, Plain(err))
	}
	data = make([]byte, info.Size())
	step, gap := longestRead, shortestRead
	for offset := 0; offset < len(data); {
		part := data[offset:min(offset+step, len(data))]
		n, err := file.ReadAt(part, int64(offset))
		switch {
		case err == nil:
			offset, step, gap = offset+n, min(2*step, longestRead), shortestRead
		case errors.Is(err, io.EOF): // cut off meanwhile
			return data[:offset+n], lost, nil
		case !Lost(err):
			return nil, 0, fmt.Errorf("read %q at offset %d: %w", path, offset, Plain(err))
		case step > shortestRead:
			step = shortestRead
		default:
			missed := data[offset:min(offset+gap, len(data))]
			clear(missed)
			offset, lost, gap = offset+len(missed), lost+int64(len(missed)), min(2*gap, longestRead)
		}
	}
	return data, lost, nil
}
