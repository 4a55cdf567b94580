package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// room is some bytes.
type room int64

func (r *room) TakeRoom(bytes int64) bool {
	if int64(*r) < bytes {
		return false
	}
	*r -= room(bytes)
	return true
}

func (r *room) GiveRoom(bytes int64) { *r += room(bytes) }

// filesIn makes files in a directory, as a pool wants them.
func filesIn(t *testing.T) func() (File, error) {
	directory := t.TempDir()
	return func() (File, error) { return os.CreateTemp(directory, "") }
}

func TestWhatWasWrittenIsReadWhereverItLies(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 10*pageBytes+123)
	for i := range want {
		want[i] = byte(random.Uint32())
	}
	for _, memory := range []int64{0, pageBytes, 3*pageBytes + 5, 100 * pageBytes} {
		for _, size := range []int{0, 1, pageBytes - 1, pageBytes, pageBytes + 1, 4 * pageBytes, len(want)} {
			free := room(memory)
			pool := Pool{Room: &free, NewFile: filesIn(t), MostInFiles: 1 << 30}
			s := pool.New()
			for rest := want[:size]; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(3*pageBytes/2))
				if wrote, err := s.Write(rest[:n]); wrote != n || err != nil {
					t.Fatalf("wrote %d of %d, %v", wrote, n, err)
				}
				rest = rest[n:]
			}
			if free < 0 {
				t.Errorf("it took %d bytes more than there are", -free)
			}
			for range 2 {
				if got, err := io.ReadAll(s.Open()); err != nil || !bytes.Equal(got, want[:size]) || s.Size() != int64(size) {
					t.Errorf("%d bytes of memory: read %d of %d bytes, %v", memory, len(got), size, err)
				}
			}
			for range 20 {
				offset := random.IntN(size + 1)
				b := make([]byte, random.IntN(size-offset+1))
				if n, err := s.ReadAt(b, int64(offset)); err != nil || n != len(b) || !bytes.Equal(b, want[offset:offset+n]) {
					t.Errorf("at %d: read %d of %d, %v", offset, n, len(b), err)
				}
			}
			s.Close()
			s.Close()
			if int64(free) != memory || pool.inFiles.Load() != 0 {
				t.Errorf("%d bytes of memory and %d in files are held after the end", memory-int64(free), pool.inFiles.Load())
			}
		}
	}
}

func TestASpoolThatHasNoRoomSaysSoAndGivesAllBack(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full:", err)
	}
	for name, test := range map[string]struct {
		pool *Pool
		want error
	}{
		"no file":               {&Pool{}, ErrFull},
		"no more room in files": {&Pool{NewFile: filesIn(t), MostInFiles: 2 * pageBytes}, ErrFull},
		"a full disk":           {&Pool{NewFile: func() (File, error) { return full, nil }, MostInFiles: 1 << 30}, nil},
		"no directory": {&Pool{NewFile: func() (File, error) { return os.Create(filepath.Join(t.TempDir(), "none", "x")) },
			MostInFiles: 1 << 30}, os.ErrNotExist},
	} {
		free := room(pageBytes)
		test.pool.Room = &free
		s := test.pool.New()
		_, err := s.Write(make([]byte, 20*pageBytes))
		if err == nil || (test.want != nil && !errors.Is(err, test.want)) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		s.Close()
		if free != pageBytes || test.pool.inFiles.Load() != 0 {
			t.Errorf("%s: something is held after the end", name)
		}
	}
}
