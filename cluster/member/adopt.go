package member

import (
	"context"
	"errors"
	"fmt"

	"stats-recorder/cluster"
	"stats-recorder/snapshot"
)

var errAdoptLacking = fmt.Errorf("%w: others have had frames for some time that the log does not have any more", ErrAdopt)

// ErrNothingToAdopt means that no shared state has what this node lacks.
var ErrNothingToAdopt = errors.New("no shared state has what this node lacks yet")

// Adopt takes no more records, closes the keeper and makes its directory what the furthest shared state is, with
// what only this directory has counted added. It is for a member that failed with
// ErrAdopt; the options are those of the keeper. Afterwards another keeper is to be
// opened, with another member, also where the error is ErrNothingToAdopt: the directory
// is as it was then. Clients must be gone: who waits for the log ends with ErrAdopt, though
// it is counted.
func (m *Member) Adopt(ctx context.Context, options snapshot.Options) (err error) {
	m.Close()
	m.outbox.release()
	if err := m.frameAll(ctx); err != nil {
		return errors.Join(err, m.keeper.Close())
	}
	var frames []cluster.Frame
	known := m.keeper.Membership()
	_, err = m.keeper.ReadJournal(1, m.keeper.Sequence(), snapshot.JournalSink{Noted: func(_ uint64, note cluster.Note) error {
		frames = append(frames, note.Own...)
		return nil
	}})
	if err = errors.Join(err, m.keeper.Close()); err != nil {
		return err
	}
	link, err := m.options.Open(ctx)
	if err != nil {
		return err
	}
	defer link.Close()
	_, last, err := link.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	mine := &known.Covered
	if known.MustAdopt {
		mine = nil // the counts are not those of the frames
	}
	// The furthest state may be this node's own: after the log was made anew others can
	// have more, and be less far in it.
	covers, state, err := link.Shared.Newest(ctx, last.Epoch, mine)
	if errors.Is(err, cluster.ErrNoState) && mine != nil {
		return fmt.Errorf("%w: %w", ErrNothingToAdopt, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	missing := frames[:0]
	for _, frame := range frames {
		if !covers.Contains(frame.Origin, frame.Sequence) && known.Covered.Contains(frame.Origin, frame.Sequence) {
			missing = append(missing, frame)
		}
	}
	adopted := &cluster.Membership{Covered: *covers, Origin: known.Origin, Sequence: known.Sequence}
	m.options.Logger.Info("adopting the state of another node; the files so far are kept beside",
		"data_dir", options.Directory, "position", covers.Position.Sequence, "own_frames", len(missing))
	return snapshot.Adopt(options, state, adopted, missing)
}

// frameAll makes frames of all that was counted here and not told. Nothing is recorded
// any more.
func (m *Member) frameAll(ctx context.Context) error {
	s := &session{Member: m, life: ctx}
	for {
		made, err := s.makeFrames()
		if err != nil || !made {
			return err
		}
	}
}

// ErrAlone means that a directory never counted with others.
var ErrAlone = errors.New("the directory never counted with others: start it with LOG_URL")

// AdoptLog has a directory, on which no server runs, count with another log from its
// first frame on. The directory knows by its vector what it has; what others may lack of it
// goes into that log after the next start.
func AdoptLog(ctx context.Context, options snapshot.Options, epoch cluster.Epoch) error {
	outbox := newOutbox() // which needs all of the journal
	options.Follower = outbox
	keeper, err := snapshot.Open(options)
	if err != nil {
		return err
	}
	outbox.begin(keeper)
	if keeper.Membership() == nil {
		return errors.Join(ErrAlone, keeper.Close())
	}
	s := &session{Member: &Member{keeper: keeper}, life: ctx}
	return errors.Join(s.commit(cluster.Note{Position: cluster.Position{Epoch: epoch}}), keeper.Close())
}
