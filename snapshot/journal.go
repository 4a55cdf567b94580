package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
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
// number tells a torn write from damage: see scanJournal.
const (
	journalMagic      = "SRJRNL\r\n"
	journalHeaderSize = 32
	frameHeaderSize   = 36

	frameBenefits = 1
	frameEvents   = 2
	frameSpan     = 3
)

// errStrayJournal means that a journal file without frames could not be removed.
var errStrayJournal = errors.New("a journal file that could not be begun is left")

// journalWriter appends frames to the newest journal file. It remembers where
// the last good frame ends and cuts the file back to there when a write fails.
type journalWriter struct {
	file          *os.File
	salt          uint64
	previous      uint32 // CRC of the last frame, or of the header
	offset        int64  // where the next frame goes
	runway        runway
	firstSequence uint64
	frame         []byte
}

// createJournal makes the file for the frames from sequence on, durably.
func createJournal(directory string, sequence uint64) (*journalWriter, error) {
	file, err := createExclusive(journalPath(directory, sequence))
	if err != nil {
		return nil, err
	}
	w := &journalWriter{file: file, salt: rand.Uint64() | 1, firstSequence: sequence, offset: journalHeaderSize}
	if err := w.begin(directory); err != nil {
		return nil, errors.Join(err, file.Close(), discardJournal(directory, file.Name()))
	}
	return w, nil
}

// discardJournal removes a file that could not be begun. It must be gone for
// good before the file before it goes on: by its name it claims those frames,
// and a start with a snapshot up to its beginning would look for them in it.
func discardJournal(directory, path string) error {
	if err := errors.Join(remove(path), syncDirectory(directory)); err != nil {
		return fmt.Errorf("%w: %w", errStrayJournal, err)
	}
	return nil
}

func (w *journalWriter) begin(directory string) error {
	if err := giveToOwner(w.file); err != nil {
		return err
	}
	header := make([]byte, 0, journalHeaderSize)
	header = append(header, journalMagic...)
	header = binary.LittleEndian.AppendUint32(header, formatVersion)
	header = binary.LittleEndian.AppendUint64(header, w.salt)
	header = binary.LittleEndian.AppendUint64(header, w.firstSequence)
	w.previous = checksum(header)
	header = binary.LittleEndian.AppendUint32(header, w.previous)
	if err := writeAt(w.file, "journal", header, 0); err != nil {
		return err
	}
	if err := syncFile(w.file, "journal"); err != nil {
		return err
	}
	if err := syncDirectory(directory); err != nil {
		return err
	}
	again, err := reopen(w.file)
	w.runway = newRunway(again)
	return err
}

// write appends one frame, without syncing it. When it fails, the journal is as
// it was before, on disk too once the next frame is; the caller may try again.
func (w *journalWriter) write(sequence, durable uint64, payload func([]byte) []byte) error {
	b := append(w.frame[:0], make([]byte, frameHeaderSize)...)
	b = payload(b)
	w.frame = b
	binary.LittleEndian.PutUint32(b[0:], uint32(len(b)-frameHeaderSize))
	binary.LittleEndian.PutUint64(b[8:], w.salt)
	binary.LittleEndian.PutUint64(b[16:], sequence)
	binary.LittleEndian.PutUint64(b[24:], durable)
	binary.LittleEndian.PutUint32(b[32:], w.previous)
	sum := checksum(b[:4], b[8:])
	binary.LittleEndian.PutUint32(b[4:], sum)

	end := w.offset + int64(len(b))
	w.runway.makeWay(w.offset, end)
	if err := writeAt(w.file, "journal", b, w.offset); err != nil {
		w.runway.yield(w.offset)
		return errors.Join(err, truncate(w.file, w.offset))
	}
	w.previous, w.offset = sum, end
	return nil
}

// broken is why it is not known what is on disk, if so: nothing that is written
// from then on may be acknowledged.
func (w *journalWriter) broken() error {
	w.runway.look(w.offset)
	return w.runway.broken
}

// end ends the runway, and says why it is not known what is on disk, if so. More
// frames may follow.
func (w *journalWriter) end() error {
	w.runway.yield(w.offset)
	return w.runway.broken
}

// sync makes the frames that were written durable. It may be called by another
// goroutine than the one that writes.
func (w *journalWriter) sync() error { return syncData(w.file, "journal") }

// close gives back the space that is blank and closes the file, whose frames
// must be durable.
func (w *journalWriter) close() error {
	err := w.runway.close(w.offset)
	return errors.Join(err, truncate(w.file, w.offset), w.file.Close())
}
