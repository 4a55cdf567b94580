package snapshot

import (
	"errors"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// spare is the next journal file, made ahead and in the background, so that nobody
// waits for a sync when the newest file is full. Until it is needed it has the name of a
// file that is being written. It belongs to the committing goroutine.
type spare struct {
	making chan spareOutcome // nil when none is being made
	file   *journalFile      // nil when none is ready
	failed bool              // whether the last one could not be made, so that only changes are logged
}

// spareOutcome is what became of making a spare.
type spareOutcome struct {
	file *journalFile
	err  error
}

// make begins to make a spare, unless there is one. The name is that of the next
// sequence number, which is not the one that the file will begin with.
func (s *spare) make(directory string, next uint64, identity format.Identity) {
	if s.file != nil || s.making != nil {
		return
	}
	done := make(chan spareOutcome, 1)
	s.making = done
	go func() {
		file, err := makeSpare(disk.TemporaryPath(disk.JournalPath(directory, next)), identity)
		done <- spareOutcome{file, err}
	}()
}

// look takes a spare that is ready. It returns why none could be made, once.
func (s *spare) look() error {
	select {
	case outcome := <-s.making:
		s.making = nil
		s.file = outcome.file
		isNews := (outcome.err != nil) != s.failed
		s.failed = outcome.err != nil
		if isNews {
			return outcome.err
		}
	default:
	}
	return nil
}

// take gives away a spare under the name of the file for the frames from sequence on,
// nil if none is ready. That it has the name is durable once the directory is synced.
func (s *spare) take(directory string, sequence uint64) (*journalFile, error) {
	if s.file == nil {
		return nil, nil
	}
	taken := s.file
	s.file = nil
	taken.firstSequence = sequence
	if err := taken.rename(disk.JournalPath(directory, sequence)); err != nil {
		return nil, errors.Join(err, discardJournal(directory, disk.JournalPath(directory, sequence)), taken.discard())
	}
	return taken, nil
}

// discard removes a spare that nobody needs any more.
func (s *spare) discard() error {
	if s.making != nil {
		s.file = (<-s.making).file
		s.making = nil
	}
	if s.file == nil {
		return nil
	}
	err := s.file.discard()
	s.file = nil
	return err
}

// makeSpare makes a file whose header is durable, and its name not.
func makeSpare(path string, identity format.Identity) (*journalFile, error) {
	if err := disk.Remove(path); err != nil {
		return nil, err
	}
	file, err := disk.Create(path)
	if err != nil {
		return nil, err
	}
	w := &journalFile{file: file, offset: format.JournalHeaderSize, runway: noRunway()}
	if err := w.writeHeader(identity); err != nil {
		return nil, errors.Join(err, w.discard())
	}
	return w, nil
}

// rename gives a file without frames its name, and opens it under that.
func (w *journalFile) rename(path string) error {
	if err := disk.RenameUnsynced(w.file.Name(), path); err != nil {
		return err
	}
	renamed, err := disk.OpenToWrite(path)
	if err != nil {
		return err
	}
	err = w.file.Close()
	w.file = renamed
	return err
}

// discard removes a file without frames.
func (w *journalFile) discard() error {
	return errors.Join(w.file.Close(), disk.Remove(w.file.Name()))
}
