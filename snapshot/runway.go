package snapshot

import "os"

// runwayStep is how much of a runway is laid at a time.
const runwayStep = 1 << 20

// runway is the blank part of a journal file ahead of its frames: blocks that
// zeros were written to, durably. To sync a frame that is written into such
// blocks costs no metadata, neither for the file's size nor for what its blocks
// are; at batches of 30 that is a tenth of the throughput. Space that is only
// reserved does not do: its blocks count as unwritten until a frame is.
//
// It is laid in the background, through a descriptor of its own: an error in
// writing the file's blocks is told to each descriptor once, and one that belongs
// to a frame must be told to who syncs that. The writer stays out of the part
// that is being laid. Where laying fails, frames are written without it.
type runway struct {
	path string
	end  int64 // what is behind the frames is blank up to here

	from   int64       // where what is being laid begins
	laying chan result // nil when nothing is being laid
	retry  int64       // offset of the frames from which on it is tried again
	broken error       // a sync failed
}

// result says what became of laying: a failure before the sync costs nothing.
type result struct{ failed, broken error }

// clear makes sure that a frame can be written from offset to end, and that there
// will be runway for the next ones.
func (r *runway) clear(offset, end int64) {
	if r.laying != nil {
		select {
		case done := <-r.laying:
			r.laid(done, offset)
		default:
			if end > r.from {
				r.laid(<-r.laying, offset)
			}
		}
	}
	if r.laying == nil && r.broken == nil && end >= r.retry && r.end-end < runwayStep {
		r.from = max(r.end, end)
		r.laying = make(chan result, 1)
		go func(path string, from int64, done chan<- result) { done <- layRunway(path, from) }(r.path, r.from, r.laying)
	}
}

// laid takes note of what became of laying, when the frames end at offset.
func (r *runway) laid(done result, offset int64) {
	r.laying = nil
	switch {
	case done.broken != nil:
		r.broken = done.broken
	case done.failed != nil:
		r.retry = offset + runwayStep
		// What was laid in part may be the last space that there is for frames. If it
		// cannot be given back, nothing is lost but that.
		_ = os.Truncate(r.path, max(offset, r.end))
	default:
		r.end = r.from + runwayStep
	}
}

// stop waits until nothing is being laid, so that the file may be cut off where
// the frames end. Where a frame had no room, the next ones go first.
func (r *runway) stop(offset int64) {
	if r.laying != nil {
		r.laid(<-r.laying, offset)
	}
	r.end, r.retry = offset, offset+runwayStep
}

// layRunway makes a part of a journal file blank, durably.
func layRunway(path string, from int64) result {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return result{failed: err}
	}
	defer file.Close()
	if err = allocate(file, from, runwayStep); err == nil {
		reach("runway.write.before")
		err = blank(file, from, runwayStep)
		reach("runway.write.after")
	}
	if err != nil {
		return result{failed: err}
	}
	return result{broken: syncData(file, "runway")}
}
