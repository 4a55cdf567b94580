package snapshot

import (
	"errors"
	"fmt"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/disk"
)

var (
	// ErrNoCluster means that a directory knows nothing of a log.
	ErrNoCluster = errors.New("the directory never counted with others, so there is nothing to leave")
	// ErrImportInPart means that a part of an import is counted. Alone the directory could not
	// tell which of the documents are, and would never count the others.
	ErrImportInPart = errors.New("of an import only a part is counted: start the node until `verify` does not say so any more, or import the same on this node or on any other one; " +
		"if its log is gone for good, run `cluster adopt` with another LOG_STREAM first")
)

// Leave has a directory, on which no server runs, forget the log that it counted with. Its
// counts stay. It returns what was known, or ErrNoCluster, ErrImportWaits, ErrImportInPart, or
// an error of Open. Until it returns nil, or the process ends at a later moment, nothing is
// forgotten, and it can be called again. An import that was announced, and of which nothing is
// counted, is not remembered.
func Leave(options Options) (known *cluster.Membership, err error) {
	options.Durability = Snapshot
	k, err := openIdle(options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, disk.Unlock(k.lock)) }()
	if known = k.Membership(); known == nil {
		return nil, ErrNoCluster
	}
	if err := checkNothingWaits(options.Directory); err != nil {
		return nil, err
	}
	for _, one := range known.Unfinished() {
		if known.HasSome(one) {
			return nil, fmt.Errorf("%w: it has %d frames", ErrImportInPart, one.Frames)
		}
	}
	k.membership.known = nil
	left := *k.history.current()
	left.Left = known.Covered.Position.Epoch
	if left.Imports, err = allImports(known, left.Imports, known.HasSome); err != nil {
		return nil, err
	}
	k.history.install(&left, func() {})
	if err := k.writeAgain(); err != nil {
		return nil, err
	}
	return known, removeJournals(options.Directory)
}

// removeJournals removes all journal files: what they tell of the log would be taken for
// counts that nobody was told of. Snapshots have what they hold.
func removeJournals(directory string) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	for _, path := range files.Journals {
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	return disk.SyncDirectory(directory)
}

// Left is the log that the directory must not count with again, because its counts are
// there; the zero Epoch for none.
func (k *Keeper) Left() cluster.Epoch { return k.history.current().Left }

// writeAgain writes what is there as new snapshots: two, so that none of before is left to
// fall back to. Nothing else uses the keeper.
func (k *Keeper) writeAgain() error {
	journal, snapshots := &k.committer.journal, &k.committer.snapshots
	for range generations {
		job := snapshots.newImportJob(journal)
		if err := snapshots.write(job); err != nil {
			return err
		}
		journal.sequence = job.header.Sequence
	}
	return nil
}
