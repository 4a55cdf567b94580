package snapshot

import (
	"errors"
	"math"
	"os"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

const (
	// runwayStep is how much of a runway is laid at a time.
	runwayStep = 1 << 20
	// runwayLead is how far ahead of the frames the first part of a runway begins:
	// frames are written while it is laid, and one that reached it would have to wait.
	// The gap is a hole, where a frame is written as if there were no runway. None is
	// laid before there are that many frames: a server that gets little need not write
	// zeros.
	runwayLead = 64 << 10
)

// runway is the blank part of a journal file ahead of its frames: blocks that
// zeros were written to, durably. To sync a frame that is written into such
// blocks costs no metadata, neither for the file's size nor for what its blocks
// are; at batches of 30 that is a tenth of the throughput. Space that is only
// reserved does not do: its blocks count as unwritten until a frame is.
//
// It is laid in the background, through a descriptor of its own: an error in
// writing the file's blocks is told to each descriptor once, and one that belongs
// to a frame must be told to who syncs that. The writer stays out of the part
// that is being laid. Where there is no room for it, or the file system does not
// reserve space, frames are written without it; that costs nothing but time.
type runway struct {
	file *os.File // of the journal, its own descriptor
	end  int64    // up to here what is ahead of the frames is blank, or the hole before the first part

	from   int64           // where what is being laid begins
	laying chan layOutcome // nil when nothing is being laid
	retry  int64           // where frames must end for it to be tried again
	broken error           // a sync failed: it is unknown what is on disk
}

// layOutcome is what became of laying a part: there was no room for it, or it
// could not be synced.
type layOutcome struct{ noRoom, broken error }

// newRunway returns the runway of a journal file that has no frames yet.
func newRunway(file *os.File) runway {
	return runway{file: file, end: format.JournalHeaderSize, retry: format.JournalHeaderSize + runwayLead}
}

// noRunway is for a file of which no sync is waited for, so that none need be fast. To
// lay a runway is to wait for one now and then.
func noRunway() runway { return runway{end: format.JournalHeaderSize, retry: math.MaxInt64} }

// makeWay makes sure that a frame can be written from offset to end, and that there
// will be runway for the next ones.
func (r *runway) makeWay(offset, end int64) {
	r.look(offset)
	if r.laying != nil && end > r.from {
		r.take(<-r.laying, offset)
	}
	if r.laying == nil && r.broken == nil && end >= r.retry && r.end-end < runwayStep {
		r.from = max(r.end, end+runwayLead)
		r.laying = make(chan layOutcome, 1)
		go func(file *os.File, from int64, done chan<- layOutcome) { done <- layRunway(file, from) }(r.file, r.from, r.laying)
	}
}

// look takes what has been laid, if it has, when the frames end at offset.
func (r *runway) look(offset int64) {
	select {
	case outcome := <-r.laying:
		r.take(outcome, offset)
	default:
	}
}

func (r *runway) take(outcome layOutcome, offset int64) {
	r.laying = nil
	switch {
	case outcome.broken != nil:
		r.broken = outcome.broken
	case errors.Is(outcome.noRoom, errors.ErrUnsupported):
		r.retry = math.MaxInt64
	case outcome.noRoom != nil:
		r.retry = offset + runwayStep
		// What was laid in part may be the last space that there is for frames. If it
		// cannot be given back, nothing is lost but that.
		_ = disk.Truncate(r.file, max(offset, r.end))
	default:
		r.end = r.from + runwayStep
	}
}

// yield ends the runway where the frames end, so that the file may be cut off
// there. More is laid only when frames have had room for a while.
func (r *runway) yield(offset int64) {
	if r.laying != nil {
		r.take(<-r.laying, offset)
	}
	r.end, r.retry = offset, max(r.retry, offset+runwayStep)
}

// close must be called before the journal is closed. It returns why it is not
// known what is on disk, if so.
func (r *runway) close(offset int64) error {
	r.yield(offset)
	if r.file == nil {
		return r.broken
	}
	return errors.Join(r.broken, r.file.Close())
}

// layRunway makes a part of a journal file blank, durably.
func layRunway(file *os.File, from int64) layOutcome {
	if err := disk.Reserve(file, from, runwayStep); err != nil {
		return layOutcome{noRoom: err}
	}
	if err := disk.Blank(file, from, runwayStep); err != nil {
		return layOutcome{noRoom: err}
	}
	return layOutcome{broken: disk.SyncData(file, "runway")}
}
