package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// A Scan is what a journal file holds.
type Scan struct {
	Path  string
	First uint64 // sequence number of the first frame, by the name
	// Ahead is set for a file that was made before all that comes before it was
	// durable: that it is there tells of no commit.
	Ahead    bool
	Identity format.Identity // of its directory; the zero one for none
	Frames   []format.Frame
	// Durable is the last commit that any intact frame says was durable.
	Durable uint64
	// End is where the last good frame ends.
	End int64
	// Tail is how many bytes from there to the last one that is not zero.
	Tail int64
	// Damage is set when what follows the last good frame cannot be a write
	// that was cut short: something durable is missing.
	Damage error

	forgotten bool // the frames have no payload
}

// Last is the sequence number of the last good frame, or first - 1.
func (s *Scan) Last() uint64 { return s.First + uint64(len(s.Frames)) - 1 }

// forget gives back what the frames hold, which is most of a file: of many files only one
// is to be in memory at a time.
func (s *Scan) forget() {
	for i := range s.Frames {
		s.Frames[i].Payload = nil
	}
	s.forgotten = true
}

// frames are the frames with what they hold, which is read again if it was forgotten.
func (s *Scan) frames() ([]format.Frame, error) {
	if !s.forgotten {
		return s.Frames, nil
	}
	again, err := ScanJournal(s.Path)
	if err != nil {
		return nil, err
	}
	if len(again.Frames) != len(s.Frames) {
		return nil, fmt.Errorf("journal %q: %w: %d frames, and a moment before %d", s.Path, format.ErrMalformed, len(again.Frames), len(s.Frames))
	}
	return again.Frames, nil
}

// ScanJournal finds the frames of a journal file.
//
// What follows the last good frame is either a torn write or damage. It is torn
// if nothing says that it was ever durable: no later frame that is intact, or
// only frames that were written before the missing one was known to be durable
// (the disk may write what was not synced in any order). It is damage if an
// intact later frame says that the missing one was durable.
//
// The returned error is about the file as a whole: unreadable, not ours, or
// another version. A file that ends within its header, or holds only zeros and no more
// of them than a header has, is one whose creation was cut short: torn, without
// frames. The header is durable before any frame is written: more zeros are damage.
func ScanJournal(path string) (*Scan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, disk.Plain(err))
	}
	return ScanJournalData(path, data)
}

// ScanJournalData is ScanJournal for the content of a file that was read already.
func ScanJournalData(path string, data []byte) (*Scan, error) {
	named := disk.JournalSequence(path)
	scan := &Scan{Path: path, First: named}
	if wasCutShort(data) {
		scan.Tail = int64(len(data))
		return scan, nil
	}
	if len(bytes.Trim(data, "\x00")) == 0 {
		return nil, fmt.Errorf("journal %q at offset 0: %w: %d zeros, in the place of a header and of the commits after it",
			path, format.ErrChecksum, len(data))
	}
	header, err := format.ParseJournalHeader(data)
	if err != nil {
		return nil, fmt.Errorf("journal %q at offset 0: %w", path, err)
	}
	if header.First != named && header.First != 0 {
		return nil, fmt.Errorf("journal %q at offset 20: %w: first sequence number %d, the name says %d; was it renamed?",
			path, format.ErrMalformed, header.First, named)
	}
	scan.Ahead, scan.Identity = header.First == 0, header.Identity
	scan.scanFrames(data, header)
	return scan, nil
}

// wasCutShort says whether a journal file holds less than its header.
func wasCutShort(data []byte) bool {
	if len(data) < format.LeastJournalHeader {
		return true
	}
	if len(data) <= format.JournalHeaderSize && len(bytes.Trim(data, "\x00")) == 0 {
		return true
	}
	_, err := format.ParseJournalHeader(data)
	return errors.Is(err, format.ErrTruncated)
}

func (s *Scan) scanFrames(data []byte, header format.JournalHeader) {
	s.End = header.Size
	previous := header.Sum
	for {
		frame, ok := format.FrameAt(data, s.End, header.Salt)
		if !ok || frame.Sequence != s.Last()+1 || frame.Previous != previous {
			break
		}
		s.Frames = append(s.Frames, frame)
		s.Durable = max(s.Durable, frame.Durable)
		previous, s.End = frame.Sum, frame.End()
	}
	s.Tail = int64(len(bytes.TrimRight(data[s.End:], "\x00")))
	missing := s.Last() + 1
	for _, later := range format.FindFrames(data, s.End, header.Salt) {
		s.Durable = max(s.Durable, later.Durable)
		if later.Durable >= missing && s.Damage == nil {
			s.Damage = fmt.Errorf("journal %q at offset %d: %w: frame %d is damaged or missing, but frame %d at offset %d says it was durable",
				s.Path, s.End, format.ErrChecksum, missing, later.Sequence, later.Offset)
		}
	}
}
