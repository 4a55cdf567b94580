package member

import (
	"errors"
	"fmt"
	"time"

	"stats-recorder/counters"
	"stats-recorder/idempotency"
	"stats-recorder/snapshot"
)

var (
	// ErrBacklog means that too much waits for the log.
	ErrBacklog = errors.New("too much waits for the log")
	// ErrLogAway means that the log takes nothing, so that nothing can be acknowledged
	// that must be in it.
	ErrLogAway = errors.New("the log takes nothing")
)

// failingPatience is for how long appends may fail before records are refused that are
// acknowledged by the log: an election takes less. Those that wait then are in the
// journal, and must be told sooner or later that they are counted.
const failingPatience = 5 * time.Second

// A Recorder is the keeper's, of a node with others.
type Recorder struct {
	member *Member
	keeper *snapshot.Keeper
	ack    Acknowledgement
}

// Recorder records into a keeper. The acknowledgement says what its tickets wait for.
func (m *Member) Recorder(keeper *snapshot.Keeper, ack Acknowledgement) *Recorder {
	return &Recorder{member: m, keeper: keeper, ack: ack}
}

// An Acknowledgement is by whom a record must be durable to be acknowledged.
type Acknowledgement int

const (
	// ByDisk is by the disk of the node that took it.
	ByDisk Acknowledgement = iota
	// ByLog is by that disk and by the log.
	ByLog
)

// Record is snapshot.Keeper's. It returns ErrBacklog or ErrLogAway, before anything is
// counted, while more would only wait.
func (r *Recorder) Record(batch *counters.Batch) (*counters.Ticket, error) {
	if err := r.member.Takes(r.ack); err != nil {
		return nil, err
	}
	ticket, err := r.keeper.Record(batch)
	if err != nil || ticket == nil || r.ack != ByLog {
		return ticket, err
	}
	return r.member.outbox.logTicket(ticket), nil
}

// Takes says why records that are acknowledged so are refused for now, nil if they are taken.
func (m *Member) Takes(ack Acknowledgement) error {
	if waiting := m.outbox.bytes.Load(); waiting > m.options.Backlog {
		return fmt.Errorf("%w: %d bytes, LOG_BACKLOG is %d", ErrBacklog, waiting, m.options.Backlog)
	}
	if ack != ByLog {
		return nil
	}
	if !m.isJoined() {
		return ErrNotJoined
	}
	if since := m.figures.failingSince.Load(); since != 0 && time.Since(time.Unix(0, since)) > failingPatience {
		return ErrLogAway
	}
	return nil
}

// Sent is snapshot.Keeper's.
func (r *Recorder) Sent(key, body idempotency.Sum) (idempotency.Sent, bool) {
	sent, found := r.keeper.Sent(key, body)
	return r.byWhom(sent), found
}

// RecordOnce is snapshot.Keeper's, and refuses as Record does.
func (r *Recorder) RecordOnce(batch *counters.Batch, mark counters.Mark) (idempotency.Sent, error) {
	if err := r.member.Takes(r.ack); err != nil {
		return idempotency.Sent{}, err
	}
	sent, err := r.keeper.RecordOnce(batch, mark)
	return r.byWhom(sent), err
}

func (r *Recorder) byWhom(sent idempotency.Sent) idempotency.Sent {
	if r.ack == ByLog && sent.Ticket != nil {
		sent.Ticket = r.member.outbox.logTicket(sent.Ticket)
	}
	return sent
}
