package format

import (
	"encoding/binary"
	"time"
)

// A Clock is what a snapshot remembers of the clock, so that the next process can judge
// the readings of its own. All times are as of the moment when it was written.
type Clock struct {
	// Known is how far the time has come for certain, and Believed as far as there is
	// no reason to doubt it.
	Known, Believed Level
	// Retention is how long closed days were kept; 0 means for ever.
	Retention time.Duration
}

// A Level is a time, and a trial of readings that say another one.
type Level struct {
	// Time is the zero time where none is known.
	Time time.Time
	// Trial is the reading on trial that is nearest to Time, the zero time for none,
	// and Lasted how long there have been only such readings.
	Trial  time.Time
	Lasted time.Duration
}

// appendClock encodes what is remembered of the clock:
//
//	for the known and the believed time: varint time, varint reading on trial, uvarint
//	milliseconds that the trial has lasted
//	uvarint retention, in milliseconds
//
// Times are in milliseconds since 1970, 0 for none.
func (m *Manifest) appendClock(b []byte) []byte {
	for _, level := range []Level{m.Clock.Known, m.Clock.Believed} {
		b = binary.AppendVarint(b, encodeTime(level.Time))
		b = binary.AppendVarint(b, encodeTime(level.Trial))
		b = binary.AppendUvarint(b, uint64(level.Lasted.Milliseconds()))
	}
	return binary.AppendUvarint(b, uint64(m.Clock.Retention.Milliseconds()))
}

func (m *Manifest) readClock(content []byte) (uint64, error) {
	c := &cursor{data: content}
	m.Clock = &Clock{}
	for _, level := range []*Level{&m.Clock.Known, &m.Clock.Believed} {
		level.Time, level.Trial, level.Lasted = decodeTime(c.varint()), decodeTime(c.varint()), c.milliseconds()
	}
	m.Clock.Retention = c.milliseconds()
	return 0, c.end()
}

func encodeTime(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

func decodeTime(milliseconds int64) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}

// milliseconds reads a length of time that a Duration can hold.
func (c *cursor) milliseconds() time.Duration {
	const most = uint64(1<<63-1) / uint64(time.Millisecond)
	milliseconds := c.uvarint()
	if milliseconds > most {
		c.fail("length of time out of range")
		return 0
	}
	return time.Duration(milliseconds) * time.Millisecond
}
