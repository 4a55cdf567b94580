package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A journal file, all integers little endian:
//
//	offset  size  header
//	     0     8  magic "SRJRNL\r\n"
//	     8     4  format version, 2
//	    12     8  salt, random, not 0
//	    20     8  sequence number of the first frame; 0 in a file that was made ahead,
//	              before all that comes before it was durable
//	    28    16  identity of the directory, see Identity
//	    44     4  CRC32C of bytes 0 to 43
//	    48        frames, one after the other, then zeros or the end of the file
//
// Version 1 has no identity: its header ends with the CRC32C of bytes 0 to 27, and
// its frames begin at 32.
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
//	4  keys of batches, see appendMarksBegin
//	5  keys of batches that were merged: they came to another directory, as in 4
//	8  what a commit has to do with the log of a cluster, see cluster.Note.AppendTo
//	9  counts of one hour that were merged: another directory's, as in 3
//
// Salt, sequence number and the CRC of the frame before tie a frame to its
// place, so that a block of another file, of an older life of the disk's
// blocks, or of another place in this file is never taken for it. The durable
// number tells a torn write from damage: see snapshot.ScanJournal.
const (
	journalMagic = "SRJRNL\r\n"
	// JournalHeaderSize is where the first frame begins in a file of the newest version.
	JournalHeaderSize = 48
	// FrameHeaderSize is how many bytes of a frame come before its payload.
	FrameHeaderSize = 36

	// LeastJournalHeader is the size of the shortest header, that of version 1.
	LeastJournalHeader = JournalHeaderSize - identitySize

	saltAt  = 12
	firstAt = 20

	frameBenefits    = 1
	frameEvents      = 2
	frameSpan        = 3
	frameMarks       = 4
	frameMergedMarks = 5
	frameRenamed     = 6
	frameNote        = 8
	frameMerged      = 9
	frameExpiry      = 10
	frameImport      = 11
)

// AppendJournalHeader appends the header of a journal file and returns its CRC, which
// the first frame repeats. The sum and the version of the given header do not matter.
func AppendJournalHeader(b []byte, header JournalHeader) (encoded []byte, sum uint32) {
	start := len(b)
	b = append(b, journalMagic...)
	b = binary.LittleEndian.AppendUint32(b, versionIdentity)
	b = binary.LittleEndian.AppendUint64(b, header.Salt)
	b = binary.LittleEndian.AppendUint64(b, header.First)
	b = append(b[:start], sealHeader(b[start:], header.Identity)...)
	return b, headerSum(b[start:])
}

// A JournalHeader is what a journal file says of itself.
type JournalHeader struct {
	Salt uint64
	// First is the sequence number of the first frame. 0 means that the file was made
	// ahead: it says nothing of what is durable before it.
	First uint64
	// Identity is that of the directory; the zero one for none.
	Identity Identity
	// Sum is the CRC32C of the header, and Size where its frames begin.
	Sum  uint32
	Size int64
}

// ParseJournalHeader decodes the header of a journal file of at least
// LeastJournalHeader bytes. It returns ErrNotOurs, ErrVersion, ErrTruncated or
// ErrChecksum, and even then the salt that is there.
func ParseJournalHeader(b []byte) (JournalHeader, error) {
	header := JournalHeader{Salt: binary.LittleEndian.Uint64(b[saltAt:]), Size: JournalHeaderSize}
	size, err := headerSize(b, journalMagic, JournalHeaderSize)
	if err != nil {
		return header, err
	}
	if len(b) < size {
		return header, fmt.Errorf("%w: a header of %d bytes, want %d", ErrTruncated, len(b), size)
	}
	b = b[:size]
	header.Size = int64(size)
	header.First = binary.LittleEndian.Uint64(b[firstAt:])
	header.Identity = headerIdentity(b, JournalHeaderSize)
	header.Sum = headerSum(b)
	return header, checkHeaderSum(b)
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
