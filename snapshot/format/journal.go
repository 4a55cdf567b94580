package format

import (
	"bytes"
	"encoding/binary"
)

// A journal file, all integers little endian:
//
//	offset  size  header
//	     0     8  magic "SRJRNL\r\n"
//	     8     4  format version, 1
//	    12     8  salt, random, not 0
//	    20     8  sequence number of the first frame
//	    28     4  CRC32C of bytes 0 to 27
//	    32        frames, one after the other, then zeros or the end of the file
//
//	offset  size  frame
//	     0     4  length of the payload, at least 1
//	     4     4  CRC32C of bytes 0 to 3, bytes 8 to 35, the payload
//	     8     8  salt of the file
//	    16     8  sequence number: one more than the frame before
//	    24     8  the last sequence number known to be durable when this was written
//	    32     4  CRC of the frame before (bytes 4 to 7); of the header for the first
//	    36        payload
//
// A payload is typed sections: a byte of type, a uvarint length, the content.
//
//	1  names of benefits, see appendNames, that no earlier frame defined
//	2  names of event types, the same
//	3  counts of one hour, see appendSpan
//
// Salt, sequence number and the CRC of the frame before tie a frame to its
// place, so that a block of another file, of an older life of the disk's
// blocks, or of another place in this file is never taken for it. The durable
// number tells a torn write from damage: see snapshot.ScanJournal.
const (
	journalMagic = "SRJRNL\r\n"
	// JournalHeaderSize is where the first frame begins.
	JournalHeaderSize = 32
	// FrameHeaderSize is how many bytes of a frame come before its payload.
	FrameHeaderSize = 36

	frameBenefits = 1
	frameEvents   = 2
	frameSpan     = 3
)

// AppendJournalHeader appends the header of a journal file and returns its CRC, which
// the first frame repeats.
func AppendJournalHeader(b []byte, salt, first uint64) (header []byte, sum uint32) {
	start := len(b)
	b = append(b, journalMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint64(b, salt)
	b = binary.LittleEndian.AppendUint64(b, first)
	sum = checksum(b[start:])
	return binary.LittleEndian.AppendUint32(b, sum), sum
}

// A JournalHeader is what a journal file says of itself.
type JournalHeader struct {
	Salt, First uint64
	Sum         uint32
}

// ParseJournalHeader decodes the first JournalHeaderSize bytes of a journal file. It
// returns ErrNotOurs, ErrVersion or ErrChecksum, and even then the salt that is there.
func ParseJournalHeader(b []byte) (JournalHeader, error) {
	return JournalHeader{
		Salt:  binary.LittleEndian.Uint64(b[12:]),
		First: binary.LittleEndian.Uint64(b[20:]),
		Sum:   binary.LittleEndian.Uint32(b[28:]),
	}, checkHeader(b[:JournalHeaderSize], journalMagic)
}

// SealFrame fills in the first FrameHeaderSize bytes of a frame and returns its CRC.
func SealFrame(b []byte, salt, sequence, durable uint64, previous uint32) (sum uint32) {
	binary.LittleEndian.PutUint32(b[0:], uint32(len(b)-FrameHeaderSize))
	binary.LittleEndian.PutUint64(b[8:], salt)
	binary.LittleEndian.PutUint64(b[16:], sequence)
	binary.LittleEndian.PutUint64(b[24:], durable)
	binary.LittleEndian.PutUint32(b[32:], previous)
	sum = checksum(b[:4], b[8:])
	binary.LittleEndian.PutUint32(b[4:], sum)
	return sum
}

// A Frame is a frame that was found intact.
type Frame struct {
	Offset            int64
	Sequence, Durable uint64
	// Sum is its CRC, and Previous that of the frame before.
	Sum, Previous uint32
	Payload       []byte
}

// End is where it ends.
func (f Frame) End() int64 { return f.Offset + FrameHeaderSize + int64(len(f.Payload)) }

// SaltAt is the salt that a frame at an offset would have.
func SaltAt(data []byte, offset int64) uint64 {
	return binary.LittleEndian.Uint64(data[offset+8:])
}

// FrameAt returns the frame at an offset, if an intact one is there.
func FrameAt(data []byte, offset int64, salt uint64) (Frame, bool) {
	if offset+FrameHeaderSize > int64(len(data)) {
		return Frame{}, false
	}
	header := data[offset:]
	length := int64(binary.LittleEndian.Uint32(header))
	end := offset + FrameHeaderSize + length
	if length == 0 || end > int64(len(data)) || binary.LittleEndian.Uint64(header[8:]) != salt {
		return Frame{}, false
	}
	sum := checksum(header[:4], data[offset+8:end])
	if sum != binary.LittleEndian.Uint32(header[4:]) {
		return Frame{}, false
	}
	return Frame{
		Offset:   offset,
		Sequence: binary.LittleEndian.Uint64(header[16:]),
		Durable:  binary.LittleEndian.Uint64(header[24:]),
		Sum:      sum,
		Previous: binary.LittleEndian.Uint32(header[32:]),
		Payload:  data[offset+FrameHeaderSize : end],
	}, true
}

// FindFrames looks for intact frames anywhere from an offset on, by their salt.
func FindFrames(data []byte, from int64, salt uint64) []Frame {
	var frames []Frame
	pattern := binary.LittleEndian.AppendUint64(nil, salt)
	for from+8 <= int64(len(data)) {
		i := bytes.Index(data[from+8:], pattern)
		if i < 0 {
			break
		}
		offset := from + int64(i)
		if f, ok := FrameAt(data, offset, salt); ok {
			frames = append(frames, f)
			from = f.End()
			continue
		}
		from = offset + 1
	}
	return frames
}
