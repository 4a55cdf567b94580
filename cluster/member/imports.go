package member

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

var (
	// ErrImportOvertaken means that another import came first, of which this one may have
	// the same documents: nothing of it is counted.
	ErrImportOvertaken = errors.New("another import was announced in the log at the same time: nothing of this one is counted; run it again, so that it is compared with that one")
	// ErrImportEventTypes means that nodes have no room for the event types of an import.
	ErrImportEventTypes = errors.New("the nodes together have no room for the event types of the import")
	// ErrImportStray means that the log has not as many imports as an import follows.
	ErrImportStray = errors.New("the import that waits here was prepared for another log: nothing of it is counted; make it again")
	// errAnnounced ends a session, so that the next one counts what it announced.
	errAnnounced = errors.New("an import is announced")
	// errOvertaken ends a session, so that the next one tells of an import anew.
	errOvertaken = errors.New("the log has another import under the number of one of this node")
)

// importedBytes is about how many bytes of frames of an import are counted in one commit.
const importedBytes = 1 << 20

// Imported receives what became of the import that waited in the directory at the start
// or at a later session: nil once it is counted here, its frames being in the journal, to be
// told; ErrImportOvertaken or ErrImportEventTypes where it is not to be. It comes before the
// import ceases to wait, and not as long as nobody can know.
func (m *Member) Imported() <-chan error { return m.imported }

// importWaiting finds the import that waits in the directory, and counts it if that is
// decided. Nothing is merged meanwhile. The steps, each of which may be the last one of a process:
//
//	it waits         a file with all of its frames has its name
//	announced        its first frame is in the log, under the next number of ImportsOrigin
//	decided          that number is merged: what was announced under it is this import, or not
//	counted, noted   its other frames, as those of anybody else are, a few with each commit
//	told             they are appended, as all that was noted is
//
// Who announced is found out only by merging: the log may have taken the frame without an
// answer, and it may have been trimmed of it.
func (s *session) importWaiting(ctx context.Context) error {
	announcement, counting, err := s.keeper.Waiting()
	if errors.Is(err, snapshot.ErrImportDamaged) {
		return s.endImport(err)
	}
	if err != nil || announcement.Sequence == 0 {
		return err
	}
	known := s.keeper.Membership()
	if known.Covered.Contains(cluster.ImportsOrigin, announcement.Sequence) {
		return s.importDecided(known, announcement, counting)
	}
	s.announcement, s.counting = announcement, counting
	return nil
}

// announce announces the import that waits, if one does, unless somebody has announced one
// under its number already.
func (s *session) announce(ctx context.Context) error {
	if s.announcement.Sequence > 0 {
		err := s.announceOnce(ctx)
		if errors.Is(err, ErrImportEventTypes) || errors.Is(err, ErrImportStray) {
			err = s.endImport(err)
		}
		if err != nil && !errors.Is(err, cluster.ErrTaken) {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *session) announceOnce(ctx context.Context) error {
	last, err := cluster.LastSequence(ctx, s.link.Log, s.link.Shared, cluster.ImportsOrigin)
	if err != nil || last >= s.announcement.Sequence {
		return err
	}
	if last = max(last, s.keeper.Membership().Covered.Highest(cluster.ImportsOrigin)); last+1 < s.announcement.Sequence {
		return fmt.Errorf("%w: it is import %d, and there are %d", ErrImportStray, s.announcement.Sequence, last)
	}
	if err := s.agreeOnImport(ctx, s.counting); err != nil {
		return err
	}
	_, err = s.link.Log.Append(ctx, s.announcement)
	return err
}

// importDecided counts the import if it is the one that was announced, and gives it up if not.
func (s *session) importDecided(known *cluster.Membership, announcement cluster.Frame, counting []cluster.Frame) error {
	waits, err := announcedBy(announcement)
	if err != nil {
		return err
	}
	announced, found := known.ImportOf(waits.Origin)
	if !found {
		return s.endImport(ErrImportOvertaken)
	}
	// Another node may have announced the same under the same number, at another time of day, and
	// what was begun before a crash was noted with the first of its frames.
	isOurs := announced.Number == waits.Number && slices.Equal(announced.Memory, waits.Memory)
	if isOurs && !known.Covered.Contains(announced.Origin, 1) {
		counting = append([]cluster.Frame{announcement}, counting...)
	}
	for len(counting) > 0 {
		n, bytes := 0, 0
		for n < len(counting) && bytes < importedBytes {
			bytes += len(counting[n].Payload)
			n++
		}
		if err := s.countImported(counting[:n]); err != nil {
			return err
		}
		counting = counting[n:]
	}
	return s.endImport(nil)
}

// announcedBy is the import that a frame announces.
func announcedBy(announcement cluster.Frame) (cluster.Import, error) {
	told, err := format.ReadPortable(announcement.Payload)
	if err != nil {
		return cluster.Import{}, err
	}
	if len(told.Imports) != 1 {
		return cluster.Import{}, fmt.Errorf("frame %d of %s: %w: it announces %d imports, want one", announcement.Sequence, announcement.Origin, format.ErrMalformed, len(told.Imports))
	}
	return told.Imports[0], nil
}

// takeAnnouncement is for an announcement of the log under a number that is known, of an import
// that is not: the log lost the frame that had the number. If that was this node's, the next
// session tells of its import anew, and reads this one then. It says whether there is something
// to remember.
func (s *session) takeAnnouncement(known *cluster.Membership, frame cluster.Frame) (isNews bool, err error) {
	if frame.Origin != cluster.ImportsOrigin {
		return false, nil
	}
	announced, err := announcedBy(frame)
	if err != nil {
		return false, nil // whatever it is, it is known
	}
	if _, found := known.ImportOf(announced.Origin); found {
		return false, nil
	}
	own, err := s.journaled(func(number cluster.FrameNumber) bool { return number == numberOf(frame) })
	if err != nil || len(own) == 0 {
		return true, err
	}
	renumbered, err := own[0].Renumbered()
	if err != nil || known.Covered.Contains(renumbered.Origin, renumbered.Sequence) {
		return true, err
	}
	s.overtaken = []ownFrame{{frame: own[0], upTo: s.keeper.Sequence(), isImport: true, isLast: true}}
	return true, errOvertaken
}

// countImported counts frames of an import that the state lacks, and notes them as ones that
// are to be told.
func (s *session) countImported(frames []cluster.Frame) error {
	known, upTo := s.keeper.Membership(), s.keeper.Sequence()
	note := cluster.Note{}
	var own []ownFrame
	var payloads [][]byte
	for _, frame := range frames {
		switch isCounted := known.Covered.Contains(frame.Origin, frame.Sequence); {
		case !isCounted:
			payloads = append(payloads, frame.Payload)
		case frame.Origin != cluster.ImportsOrigin:
			continue
		}
		note.Own = append(note.Own, frame)
		own = append(own, ownFrame{frame: frame, upTo: upTo, isImport: true})
	}
	if len(own) == 0 {
		return nil
	}
	own[len(own)-1].isLast = true
	s.outbox.resume() // before the commit, which would be taken for one that is told
	if err := s.commit(note, payloads...); err != nil {
		s.outbox.putBackResumed()
		return err
	}
	s.noted(own...)
	return nil
}

// endImport forgets the import that waits, and says what became of it.
func (s *session) endImport(outcome error) error {
	select {
	case s.imported <- outcome:
	default: // nobody has asked since the last one
	}
	end := s.keeper.EndWaiting
	if errors.Is(outcome, snapshot.ErrImportDamaged) {
		end = s.keeper.SetWaitingAside
	}
	if err := end(); err != nil {
		return err
	}
	if outcome == nil {
		s.options.Logger.Info("an import is counted, and is told to the other nodes")
	} else {
		s.options.Logger.Error("an import is given up", "error", outcome)
	}
	return nil
}

// agreeOnImport writes the event types of an import where all nodes find them, before
// there is any count under them.
func (s *session) agreeOnImport(ctx context.Context, counting []cluster.Frame) error {
	if s.link.Ask == nil || s.link.AddEventTypes == nil {
		return nil
	}
	said, err := s.link.Ask(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for _, frame := range counting {
		told, err := format.ReadPortable(frame.Payload)
		if err != nil {
			return err
		}
		for _, event := range told.Counts.Events {
			name := string(event)
			if name != counters.OtherEvent && !slices.Contains(slices.Concat(said.EventTypes, s.options.BuiltIn, missing), name) {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if room := s.roomForEventTypes(said.EventTypes); len(missing) > room {
		return fmt.Errorf("%w: %q are %d more, and there is room for %d", ErrImportEventTypes, missing, len(missing), room)
	}
	return s.link.AddEventTypes(ctx, missing)
}
