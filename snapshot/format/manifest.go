package format

import (
	"encoding/binary"
	"errors"
	"slices"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

// A Manifest is what a snapshot says beside counts: the closed days that it relies
// on, and what has been imported. It is not changed once made.
type Manifest struct {
	// KeptFrom says that retention has taken closed days before it; 0 when it has
	// taken none. Days before it may be there again, by an import.
	KeptFrom counters.Day
	Days     []ClosedDay // by day
	Imports  Imports
	// Clock is what is remembered of the clock; nil for nothing.
	Clock *Clock
	// Membership is what was known of the log of a cluster as of the snapshot; nil for
	// nothing.
	Membership *cluster.Membership
	// Left is a log that the directory must not count with again; zero for none.
	Left cluster.Epoch
}

func (m *Manifest) readLeft(content []byte) (sum uint64, err error) {
	c := &cursor{data: content}
	copy(m.Left[:], c.bytes(uint64(len(m.Left))))
	return 0, c.end()
}

// membership writes what is known of the log. What imports are to be remembered may be more than
// a section takes.
func (w *sectionWriter) membership(known *cluster.Membership) error {
	for _, part := range known.Parts(maxSection) {
		if err := w.section(sectionMembership, part.AppendTo(nil)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manifest) readMembership(content []byte) (sum uint64, err error) {
	part, err := cluster.DecodeMembership(content)
	switch {
	case err != nil:
		return 0, ofCluster(err)
	case m.Membership == nil:
		m.Membership = part
	default:
		m.Membership.Imports = append(m.Membership.Imports, part.Imports...)
	}
	return 0, nil
}

// A ClosedDay is what a snapshot says of the file of a closed day.
type ClosedDay struct {
	Day        counters.Day
	Generation uint64
	Bytes      int64
	// Owner is the directory that the file must be of, if the file says whose it is;
	// the zero one for any.
	Owner Identity
}

// Find returns what there is to say of a day, if it is closed.
func (m *Manifest) Find(day counters.Day) (ClosedDay, bool) {
	for _, closed := range m.Between(day, day+1) {
		return closed, true
	}
	return ClosedDay{}, false
}

// Between returns the closed days from a day on, up to but without to.
func (m *Manifest) Between(from, to counters.Day) []ClosedDay {
	start, end := 0, len(m.Days)
	for start < end && m.Days[start].Day < from {
		start++
	}
	for end > start && m.Days[end-1].Day >= to {
		end--
	}
	return m.Days[start:end]
}

// identify says whose the files of the closed days are.
func (m *Manifest) identify(owner Identity) {
	for i := range m.Days {
		m.Days[i].Owner = owner
	}
}

// appendDays encodes the closed days. It is the one part of a snapshot that grows
// with the years, so it is made to compress to a few bytes a day:
//
//	uvarint first day kept, uvarint how many days
//	uvarint length of the days, uvarint length of the generations
//	days: for each, ascending: uvarint day less the previous one (0 before the first)
//	generations: for each day: varint generation less that of the previous one
//	sizes: for each day: varint bytes of its file less those of the previous one
func (m *Manifest) appendDays(b []byte) []byte {
	var days, generations, sizes []byte
	var previous ClosedDay
	for _, closed := range m.Days {
		days = binary.AppendUvarint(days, uint64(closed.Day-previous.Day))
		generations = binary.AppendVarint(generations, int64(closed.Generation-previous.Generation))
		sizes = binary.AppendVarint(sizes, closed.Bytes-previous.Bytes)
		previous = closed
	}
	b = binary.AppendUvarint(b, uint64(m.KeptFrom))
	b = binary.AppendUvarint(b, uint64(len(m.Days)))
	b = binary.AppendUvarint(b, uint64(len(days)))
	b = binary.AppendUvarint(b, uint64(len(generations)))
	return slices.Concat(b, days, generations, sizes)
}

func (m *Manifest) readDays(content []byte) (uint64, error) {
	c := &cursor{data: content}
	keptFrom, count, daysLength, generationsLength := c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint()
	days, generations := &cursor{data: c.bytes(daysLength)}, &cursor{data: c.bytes(generationsLength)}
	if c.err != nil || keptFrom > uint64(counters.MaxDay) {
		c.fail("bad list of closed days")
		return 0, c.err
	}
	sizes := &cursor{data: content[c.pos:]}
	m.KeptFrom = counters.Day(keptFrom)
	for closed := (ClosedDay{}); count > 0 && days.err == nil; count-- {
		closed.Generation += uint64(generations.varint())
		closed.Bytes += sizes.varint()
		m.addDay(days, days.uvarint(), closed)
	}
	return 0, errors.Join(days.end(), generations.end(), sizes.end())
}

// readDayRows reads what snapshots had in place of these columns at first:
//
//	uvarint first day kept, uvarint how many days
//	then for each, ascending: uvarint day less the previous one (0 before the
//	first), uvarint generation, uvarint bytes of the file, uvarint sum of its counts
func (m *Manifest) readDayRows(content []byte) (uint64, error) {
	c := &cursor{data: content}
	m.KeptFrom = counters.Day(c.uvarint())
	for n := c.uvarint(); n > 0 && c.err == nil; n-- {
		gap, closed := c.uvarint(), ClosedDay{Generation: c.uvarint(), Bytes: int64(c.uvarint())}
		c.uvarint()
		m.addDay(c, gap, closed)
	}
	return 0, c.end()
}

// addDay adds the next closed day, so many days after the one before.
func (m *Manifest) addDay(c *cursor, gap uint64, closed ClosedDay) {
	day := counters.Day(0)
	if count := len(m.Days); count > 0 {
		if day = m.Days[count-1].Day; gap == 0 {
			c.fail("a day that is there twice")
		}
	}
	if gap > uint64(counters.MaxDay-day) || closed.Bytes < 0 {
		c.fail("bad day or size")
	}
	closed.Day = day + counters.Day(gap)
	m.Days = append(m.Days, closed)
}
