package salvage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// write writes what was salvaged, and puts the originals away once it has. If it cannot
// write, the directory stays as it was.
func (s *salvage) write(now time.Time) error {
	directory := filepath.Join(s.directory, "before-repair-"+now.UTC().Format("20060102T150405.000Z"))
	all := slices.Concat(s.files.Snapshots, s.files.Journals, s.files.Days, s.foreign)
	originals, err := disk.KeepOriginals(directory, all)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	kept, err := s.writeNew(now)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", errors.Join(err, originals.Forget()))
	}
	s.Originals = directory
	replaced := slices.DeleteFunc(all, func(path string) bool { return kept[path] || s.isNeededByOthers(path) })
	if err := originals.Replace(replaced); err != nil {
		return fmt.Errorf("%w; what could be kept is in %q, move the files that are older than it away by hand", err, s.directory)
	}
	return nil
}

// writeNew writes the days that were made again, and the new snapshot. It returns the
// files of closed days that this lists.
func (s *salvage) writeNew(now time.Time) (kept map[string]bool, err error) {
	header := format.SnapshotHeader{Sequence: s.next(), Journaled: true, Written: now, Identity: s.identity}
	if header.Identity.IsZero() {
		header.Identity = format.NewIdentity()
	}
	closed := *s.base.Manifest
	closed.Membership = s.membershipAt(header.Sequence)
	closed.Days = slices.Collect(maps.Values(s.adopted))
	for _, day := range s.listed {
		if _, adopted := s.adopted[day.Day]; !adopted {
			closed.Days = append(closed.Days, day)
		}
	}
	var written []string
	for _, day := range s.rebuilt {
		again := format.ClosedDay{Day: day.day, Generation: header.Sequence}
		written = append(written, recovery.DayPath(s.directory, again))
		if again.Bytes, err = s.writeDay(day, header); err != nil {
			return nil, errors.Join(err, removeAll(written))
		}
		closed.Days = append(closed.Days, again)
	}
	slices.SortFunc(closed.Days, func(a, b format.ClosedDay) int { return cmp.Compare(a.Day, b.Day) })
	written = append(written, disk.SnapshotPath(s.directory, header.Sequence))
	if err := s.writeSnapshot(header, &closed); err != nil {
		return nil, errors.Join(err, removeAll(written))
	}
	kept = map[string]bool{}
	for _, day := range closed.Days {
		kept[recovery.DayPath(s.directory, day)] = true
	}
	return kept, nil
}

// membershipAt is what the directory knows of the log once it is a snapshot of a commit. Where
// counts may be missing that the vector has, another node's state must be adopted. What this
// directory alone has is in the journal.
func (s *salvage) membershipAt(sequence uint64) *cluster.Membership {
	known := s.membership
	if known == nil {
		return nil
	}
	if known.Framed >= s.last {
		known.Framed = sequence
	}
	known.MustAdopt = known.MustAdopt || s.lossy
	s.MustAdopt = known.MustAdopt
	return known
}

// isNeededByOthers says whether a file may tell of frames that other nodes lack.
func (s *salvage) isNeededByOthers(path string) bool { return s.membership != nil && s.whole[path] }

// next is a sequence number that no file has or tells of.
func (s *salvage) next() uint64 {
	next := s.last + 1
	for _, path := range slices.Concat(s.files.Days, s.foreign) {
		next = max(next, recovery.DayOf(path).Generation+1, disk.SnapshotSequence(path)+1, disk.JournalSequence(path))
	}
	return next
}

// writeDay writes a day that was made again, and returns the size of its file.
func (s *salvage) writeDay(day rebuiltDay, header format.SnapshotHeader) (bytes int64, err error) {
	closed := format.ClosedDay{Day: day.day, Generation: header.Sequence}
	content := format.Day{
		Day:        day.day,
		Generation: header.Sequence,
		Journaled:  header.Journaled,
		Identity:   header.Identity,
		Benefits:   s.store.Benefits.Names(),
		Events:     s.store.Events.Names(),
		Words:      s.store.Words.Names(),
	}
	return disk.Save(recovery.DayPath(s.directory, closed), "segment", func(output io.Writer) error {
		return content.Write(output, s.kinds, day.tables)
	}, func(temporary string) error {
		return recovery.CheckDayContent(temporary, s.kinds, closed, func(uint64, []byte) error { return nil })
	})
}

func (s *salvage) writeSnapshot(header format.SnapshotHeader, closed *format.Manifest) error {
	frozen := s.store.Freeze()
	defer frozen.Thaw()
	content := format.Snapshot{
		Header:   header,
		Manifest: closed,
		Benefits: s.store.Benefits.Names(),
		Events:   s.store.Events.Names(),
		Words:    s.store.Words.Names(),
		Marks:    s.keys.All(),
	}
	_, err := disk.Save(disk.SnapshotPath(s.directory, header.Sequence), "snapshot", func(output io.Writer) error {
		return content.Write(output, frozen.Parts(), frozen.Cells)
	}, func(temporary string) error {
		_, err := recovery.CheckSnapshotContent(temporary, s.kinds, func() {})
		return err
	})
	return err
}

func removeAll(paths []string) error {
	var failures []error
	for _, path := range paths {
		failures = append(failures, disk.Remove(path))
	}
	return errors.Join(failures...)
}
