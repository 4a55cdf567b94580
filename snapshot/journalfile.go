package snapshot

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// errStrayJournal means that a journal file without frames could not be removed.
var errStrayJournal = errors.New("a journal file that could not be begun is left")

// journalFile appends frames to the newest journal file. It remembers where
// the last good frame ends and cuts the file back to there when a write fails.
type journalFile struct {
	file          *os.File
	salt          uint64
	previous      uint32 // CRC of the last frame, or of the header
	offset        int64  // where the next frame goes
	runway        runway
	firstSequence uint64
	frame         []byte
}

// createJournal makes the file for the frames from sequence on, durably, once all
// before it is durable.
func createJournal(directory string, sequence uint64, identity format.Identity) (*journalFile, error) {
	file, err := disk.Create(disk.JournalPath(directory, sequence))
	if err != nil {
		return nil, err
	}
	w := &journalFile{file: file, firstSequence: sequence, offset: format.JournalHeaderSize, runway: noRunway()}
	if err := errors.Join(w.writeHeader(identity), disk.SyncDirectory(directory)); err != nil {
		return nil, errors.Join(err, file.Close(), discardJournal(directory, file.Name()))
	}
	return w, nil
}

// discardJournal removes a file that could not be begun. It must be gone for
// good before the file before it goes on: by its name it claims those frames,
// and a start with a snapshot up to its beginning would look for them in it.
func discardJournal(directory, path string) error {
	if err := errors.Join(disk.Remove(path), disk.SyncDirectory(directory)); err != nil {
		return fmt.Errorf("%w: %w", errStrayJournal, err)
	}
	return nil
}

// writeHeader writes the header, durably. No frame may be written before.
func (w *journalFile) writeHeader(identity format.Identity) error {
	if err := disk.GiveToOwner(w.file); err != nil {
		return err
	}
	w.salt = rand.Uint64() | 1
	header, sum := format.AppendJournalHeader(nil, format.JournalHeader{Salt: w.salt, First: w.firstSequence, Identity: identity})
	w.previous = sum
	if err := disk.WriteAt(w.file, "journal", header, 0); err != nil {
		return err
	}
	return disk.SyncFile(w.file, "journal")
}

// openRunway has a runway laid ahead of the frames, of which there are none yet.
func (w *journalFile) openRunway() error {
	again, err := disk.OpenToWrite(w.file.Name())
	if err == nil {
		w.runway = newRunway(again)
	}
	return err
}

// write appends one frame, without syncing it. When it fails, the journal is as
// it was before, on disk too once the next frame is; the caller may try again.
func (w *journalFile) write(sequence, durable uint64, payload func([]byte) []byte) error {
	b := payload(append(w.frame[:0], make([]byte, format.FrameHeaderSize)...))
	w.frame = b
	sum := format.SealFrame(b, w.salt, sequence, durable, w.previous)
	end := w.offset + int64(len(b))
	w.runway.makeWay(w.offset, end)
	if err := disk.WriteAt(w.file, "journal", b, w.offset); err != nil {
		w.runway.yield(w.offset)
		return errors.Join(err, disk.Truncate(w.file, w.offset))
	}
	w.previous, w.offset = sum, end
	return nil
}

// broken is why it is not known what is on disk, if so: nothing that is written
// from then on may be acknowledged.
func (w *journalFile) broken() error {
	w.runway.look(w.offset)
	return w.runway.broken
}

// end ends the runway, and says why it is not known what is on disk, if so. More
// frames may follow.
func (w *journalFile) end() error {
	w.runway.yield(w.offset)
	return w.runway.broken
}

// sync makes the frames that were written durable. It may be called by another
// goroutine than the one that writes.
func (w *journalFile) sync() error { return disk.SyncData(w.file, "journal") }

// close gives back the space that is blank and closes the file, whose frames
// must be durable.
func (w *journalFile) close() error {
	err := w.runway.close(w.offset)
	return errors.Join(err, disk.Truncate(w.file, w.offset), w.file.Close())
}
