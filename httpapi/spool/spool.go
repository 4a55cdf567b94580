package spool

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// ErrFull means that neither the memory nor the files of a pool have room.
var ErrFull = errors.New("no room for another large answer")

// pageBytes is the size of a page. One page of each spool is not accounted for: it is
// about what a connection takes anyway.
const pageBytes = 64 << 10

// Room is memory that spools share with others.
type Room interface {
	// TakeRoom takes some bytes, and says whether they were there.
	TakeRoom(bytes int64) bool
	// GiveRoom gives them back.
	GiveRoom(bytes int64)
}

// File is what a spool needs of a file. It is gone once it is closed.
type File interface {
	io.WriterAt
	io.ReaderAt
	io.Closer
}

// A Pool makes spools. Any number of goroutines may use it.
type Pool struct {
	// Room is the memory for their pages.
	Room Room
	// NewFile makes an empty file; nil for none.
	NewFile func() (File, error)
	// MostInFiles limits the bytes in all files together.
	MostInFiles int64

	inFiles atomic.Int64
}

// New returns an empty spool, which must be closed.
func (p *Pool) New() *Spool { return &Spool{pool: p} }

// A Spool is bytes that are written once, and then read as often as needed. It belongs
// to one goroutine at a time.
type Spool struct {
	pool  *Pool
	pages [][]byte // full ones, and the last
	// file has what follows the pages, once there was no room for another, up to the
	// last page's content, which is written when it is full.
	file         File
	inFile, size int64
}

// Size is how many bytes were written.
func (s *Spool) Size() int64 { return s.size }

// Write appends. It returns ErrFull, or what is wrong with the file.
func (s *Spool) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		last, err := s.lastPage()
		if err != nil {
			return written, err
		}
		n := min(len(b), pageBytes-len(*last))
		*last = append(*last, b[:n]...)
		b, written = b[n:], written+n
		s.size += int64(n)
	}
	return written, nil
}

// lastPage is the page to append to, which is not full.
func (s *Spool) lastPage() (*[]byte, error) {
	if len(s.pages) > 0 {
		if last := &s.pages[len(s.pages)-1]; len(*last) < pageBytes {
			return last, nil
		}
		if err := s.makeRoom(); err != nil {
			return nil, err
		}
	}
	if s.file == nil {
		s.pages = append(s.pages, nil)
	}
	return &s.pages[len(s.pages)-1], nil
}

// makeRoom finds room for what follows a full page: in memory, or by moving that page to the
// file.
func (s *Spool) makeRoom() error {
	if s.file == nil {
		if s.pool.Room.TakeRoom(pageBytes) {
			return nil
		}
		if err := s.begin(); err != nil {
			return err
		}
	}
	if s.pool.inFiles.Add(pageBytes) > s.pool.MostInFiles {
		s.pool.inFiles.Add(-pageBytes)
		return ErrFull
	}
	last := &s.pages[len(s.pages)-1]
	if _, err := s.file.WriteAt(*last, s.inFile); err != nil {
		s.pool.inFiles.Add(-pageBytes)
		return fmt.Errorf("%w: write to a file: %w", ErrFull, err)
	}
	s.inFile += pageBytes
	*last = (*last)[:0]
	return nil
}

func (s *Spool) begin() (err error) {
	if s.pool.NewFile == nil {
		return ErrFull
	}
	if s.file, err = s.pool.NewFile(); err != nil {
		return fmt.Errorf("%w: make a file: %w", ErrFull, err)
	}
	return nil
}

// ReadAt reads as io.ReaderAt does. It is called after all was written.
func (s *Spool) ReadAt(b []byte, offset int64) (read int, err error) {
	for len(b) > 0 && offset < s.size {
		n, err := s.readOnce(b, offset)
		if read += n; err != nil {
			return read, err
		}
		b, offset = b[n:], offset+int64(n)
	}
	if len(b) > 0 {
		return read, io.EOF
	}
	return read, nil
}

// readOnce reads from one page, or from the file.
func (s *Spool) readOnce(b []byte, offset int64) (int, error) {
	kept := len(s.pages)
	if s.file != nil {
		kept-- // the last page follows the file
	}
	if page := offset / pageBytes; page < int64(kept) {
		return copy(b, s.pages[page][offset%pageBytes:]), nil
	}
	offset -= int64(kept) * pageBytes
	if offset < s.inFile {
		n, err := s.file.ReadAt(b[:min(int64(len(b)), s.inFile-offset)], offset)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	return copy(b, s.pages[kept][offset-s.inFile:]), nil
}

// Open returns a reader of all that was written.
func (s *Spool) Open() io.Reader { return io.NewSectionReader(s, 0, s.size) }

// Close gives back what the spool holds. It may be called again.
func (s *Spool) Close() {
	if len(s.pages) > 1 {
		s.pool.Room.GiveRoom(int64(len(s.pages)-1) * pageBytes)
	}
	s.pool.inFiles.Add(-s.inFile)
	if s.file != nil {
		_ = s.file.Close() // it has no name: nothing is left of it
	}
	s.pages, s.file, s.inFile, s.size = nil, nil, 0, 0
}
