package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// Adoption makes a directory what another node's is, and adds what only this one has.
// It takes place in a directory of its own inside of the first; that getting its name
// is the one moment at which it counts. Then the files there take the places of those
// from before, which are kept. A start ends what a crash has interrupted.
const (
	// adoptingName is while the new files are made, readyName once they are complete, and
	// adoptedName once those from before are out of their way.
	adoptingName = "adopting.tmp"
	readyName    = "adopting"
	adoptedName  = "adopted"
	receivedName = "received"
	// beforeAdoptionPrefix begins the name of the directory of the files from before.
	beforeAdoptionPrefix = "before-adoption-"
)

// Adopt makes a directory, on which no server runs, what a state says that another
// directory has written with SavedState.Write. The membership is what is known of the
// log there, with this directory's origin and sequence number; the frames are what the
// state lacks of what was counted here. The directory keeps its identity. Until Adopt
// returns nil, or the process ends at a late moment, all is as it was.
func Adopt(options Options, state io.Reader, known *cluster.Membership, frames []cluster.Frame) (err error) {
	options = options.withDefaults()
	if err := disk.MakeDirectory(options.Directory); err != nil {
		return err
	}
	lock, err := disk.Lock(options.Directory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Unlock(lock)) }()
	files, err := disk.List(options.Directory)
	if err != nil {
		return err
	}
	identity := recovery.IdentityOf(files)
	next := filepath.Join(options.Directory, adoptingName)
	if err := os.RemoveAll(next); err != nil {
		return fmt.Errorf("remove %q: %w", next, disk.Plain(err))
	}
	received := filepath.Join(next, receivedName)
	if err := receive(state, received); err != nil {
		return err
	}
	if err := rewrite(options, received, next, identity, known); err != nil {
		return err
	}
	if err := addFrames(options, next, frames); err != nil {
		return err
	}
	if err := os.RemoveAll(received); err != nil {
		return fmt.Errorf("remove %q: %w", received, disk.Plain(err))
	}
	if err := disk.SyncDirectory(next); err != nil {
		return err
	}
	if err := disk.Rename(next, filepath.Join(options.Directory, readyName)); err != nil {
		return err
	}
	return finishAdoption(options.Directory, options.Now())
}

// rewrite writes what was received as files of this directory.
func rewrite(options Options, received, next string, identity format.Identity, known *cluster.Membership) error {
	found, err := recovery.Find(received, options.newStore)
	if err != nil {
		return fmt.Errorf("a shared state: %w", err)
	}
	if identity.IsZero() {
		identity = format.NewIdentity()
	}
	header, store := found.Loaded.Header, found.Store
	header.Identity, header.Journaled = identity, true
	closed := *found.Loaded.Manifest
	closed.Days, closed.Clock = slices.Clone(closed.Days), nil // the clock is this machine's
	closed.Imports.Sequence = 0                                // what to undo is there, not here
	closed.Membership = known.Clone()
	if theirs := found.Membership; theirs != nil {
		closed.Membership.Expired, closed.Membership.Imports = theirs.Expired, theirs.Imports
	}
	closed.Membership.Framed = header.Sequence
	for i, day := range closed.Days {
		tables := newDayTables(options.Kinds)
		if err := tables.addClosed(received, options.Kinds, day); err != nil {
			return fmt.Errorf("a shared state: %w", err)
		}
		closed.Days[i], err = tables.save(next, options.Kinds, format.Day{
			Day: day.Day, Generation: day.Generation, Journaled: true, Identity: identity,
			Benefits: store.Benefits.Names(), Events: store.Events.Names(), Words: store.Words.Names(),
		})
		if err != nil {
			return err
		}
	}
	frozen := store.Freeze()
	defer frozen.Thaw()
	content := format.Snapshot{
		Header: header, Manifest: &closed,
		Benefits: store.Benefits.Names(), Events: store.Events.Names(), Words: store.Words.Names(),
		Marks: found.Keys.All(),
	}
	_, err = disk.Save(disk.SnapshotPath(next, header.Sequence), "snapshot", func(output io.Writer) error {
		return content.Write(output, frozen.Parts(), frozen.Cells)
	}, func(temporary string) error {
		_, err := recovery.CheckSnapshotContent(temporary, options.Kinds, func() {})
		return err
	})
	return err
}

// addFrames adds frames of this directory to a state that lacks them. They stay in its
// journal, because others may lack them too.
func addFrames(options Options, next string, frames []cluster.Frame) error {
	options.Directory, options.Durability, options.Follower, options.Observer, options.Registers = next, Always, keepsJournal{}, nil, nil
	k, err := Open(options)
	if err != nil {
		return err
	}
	for _, frame := range frames {
		ticket, err := k.Merge(cluster.Note{Own: []cluster.Frame{frame}}, frame.Payload)
		if err == nil {
			err = ticket.Wait()
		}
		if err != nil {
			return errors.Join(fmt.Errorf("frame %d of %s: %w", frame.Sequence, frame.Origin, err), k.Close())
		}
	}
	return k.Close()
}

// keepsJournal is a Follower that needs all of the journal.
type keepsJournal struct{ unfollowed }

// finishAdoption puts files of an adoption in the places of those from before, as far as
// that has not happened yet.
func finishAdoption(directory string, now time.Time) error {
	ready, adopted := filepath.Join(directory, readyName), filepath.Join(directory, adoptedName)
	if isDirectory(ready) {
		if err := keepBefore(directory, now); err != nil {
			return err
		}
		if err := disk.Rename(ready, adopted); err != nil {
			return err
		}
	}
	if !isDirectory(adopted) {
		return nil
	}
	files, err := disk.List(adopted)
	if err != nil {
		return err
	}
	for _, path := range slices.Concat(files.Days, files.Journals, files.Snapshots) {
		if err := disk.Rename(path, filepath.Join(directory, filepath.Base(path))); err != nil {
			return err
		}
	}
	if err := errors.Join(disk.SyncDirectory(adopted), disk.SyncDirectory(directory)); err != nil {
		return err
	}
	if err := os.RemoveAll(adopted); err != nil {
		return fmt.Errorf("remove %q: %w", adopted, disk.Plain(err))
	}
	return nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// keepBefore moves the files of a directory into one of their own, the last of its kind.
func keepBefore(directory string, now time.Time) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	before := filepath.Join(directory, beforeAdoptionPrefix+now.UTC().Format("20060102T150405.000Z"))
	if err := disk.MakeDirectory(before); err != nil {
		return err
	}
	for _, path := range slices.Concat(files.Snapshots, files.Journals, files.Days, files.Closing) {
		if err := disk.Rename(path, filepath.Join(before, filepath.Base(path))); err != nil {
			return err
		}
	}
	return errors.Join(disk.SyncDirectory(before), disk.SyncDirectory(directory))
}
