package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

// frame is a frame that was found intact.
type frame struct {
	offset   int64
	sequence uint64
	durable  uint64
	sum      uint32
	payload  []byte
}

func (f frame) end() int64 { return f.offset + frameHeaderSize + int64(len(f.payload)) }

// journalScan is what a journal file holds.
type journalScan struct {
	path   string
	first  uint64 // sequence number of the first frame, by the header
	frames []frame
	// end is where the last good frame ends.
	end int64
	// tail is how many bytes from there to the last one that is not zero.
	tail int64
	// damage is set when what follows the last good frame cannot be a write
	// that was cut short: something durable is missing.
	damage error
}

// last is the sequence number of the last good frame, or first - 1.
func (s *journalScan) last() uint64 { return s.first + uint64(len(s.frames)) - 1 }

// scanJournal finds the frames of a journal file.
//
// What follows the last good frame is either a torn write or damage. It is torn
// if nothing says that it was ever durable: no later frame that is intact, or
// only frames that were written before the missing one was known to be durable
// (the disk may write what was not synced in any order). It is damage if an
// intact later frame says that the missing one was durable.
//
// The returned error is about the file as a whole: unreadable, not ours, or
// another version. A file that ends within its header, or whose header is all
// zeros, is one whose creation was cut short: torn, without frames.
func scanJournal(path string) (*journalScan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, plain(err))
	}
	named, _ := parseName(path, journalPrefix)
	scan := &journalScan{path: path, first: named}
	if len(data) < journalHeaderSize || len(bytes.Trim(data, "\x00")) == 0 {
		scan.tail = int64(len(data))
		return scan, nil
	}
	header := data[:journalHeaderSize]
	if err := checkHeader(header, journalMagic); err != nil {
		return nil, fmt.Errorf("journal %q at offset 0: %w", path, err)
	}
	salt, first := binary.LittleEndian.Uint64(header[12:]), binary.LittleEndian.Uint64(header[20:])
	if first != named {
		return nil, fmt.Errorf("journal %q at offset 20: %w: first sequence number %d, the name says %d; was it renamed?",
			path, ErrMalformed, first, named)
	}
	scan.scanFrames(data, salt, binary.LittleEndian.Uint32(header[28:]))
	return scan, nil
}

func (s *journalScan) scanFrames(data []byte, salt uint64, previous uint32) {
	s.end = journalHeaderSize
	for {
		f, ok := frameAt(data, s.end, salt)
		if !ok || f.sequence != s.last()+1 || binary.LittleEndian.Uint32(data[s.end+32:]) != previous {
			break
		}
		s.frames = append(s.frames, f)
		previous, s.end = f.sum, f.end()
	}
	rest := bytes.TrimRight(data[s.end:], "\x00")
	s.tail = int64(len(rest))
	missing := s.last() + 1
	for _, later := range findFrames(data, s.end, salt) {
		if later.durable >= missing {
			s.damage = fmt.Errorf("journal %q at offset %d: %w: frame %d is damaged or missing, but frame %d at offset %d says it was durable",
				s.path, s.end, ErrChecksum, missing, later.sequence, later.offset)
			return
		}
	}
}

// frameAt returns the frame at an offset, if an intact one is there.
func frameAt(data []byte, offset int64, salt uint64) (frame, bool) {
	if offset+frameHeaderSize > int64(len(data)) {
		return frame{}, false
	}
	header := data[offset:]
	length := int64(binary.LittleEndian.Uint32(header))
	end := offset + frameHeaderSize + length
	if length == 0 || end > int64(len(data)) || binary.LittleEndian.Uint64(header[8:]) != salt {
		return frame{}, false
	}
	sum := checksum(header[:4], data[offset+8:end])
	if sum != binary.LittleEndian.Uint32(header[4:]) {
		return frame{}, false
	}
	return frame{
		offset:   offset,
		sequence: binary.LittleEndian.Uint64(header[16:]),
		durable:  binary.LittleEndian.Uint64(header[24:]),
		sum:      sum,
		payload:  data[offset+frameHeaderSize : end],
	}, true
}

// findFrames looks for intact frames anywhere from an offset on, by their salt.
func findFrames(data []byte, from int64, salt uint64) []frame {
	var frames []frame
	pattern := binary.LittleEndian.AppendUint64(nil, salt)
	for from+8 <= int64(len(data)) {
		i := bytes.Index(data[from+8:], pattern)
		if i < 0 {
			break
		}
		offset := from + int64(i)
		if f, ok := frameAt(data, offset, salt); ok {
			frames = append(frames, f)
			from = f.end()
			continue
		}
		from = offset + 1
	}
	return frames
}
