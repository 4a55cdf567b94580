package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// HoldSince holds what the journal has beyond an earlier generation that this process has
// held: its manifest is that of the earlier one with the journal files that are new or have
// grown, which alone are open. It returns recovery.ErrJournalGap where the journal does not
// go on from there, or an import waits that did not, or no more; then HoldKnown holds what there is.
func HoldSince(directory string, earlier Manifest, now time.Time) (held *Held, err error) {
	h := &holder{directory: directory, continues: true, journaled: true, last: earlier.Commit}
	defer func() {
		if err != nil {
			err = errors.Join(err, (&Held{files: h.journals}).Close())
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", recovery.ErrJournalGap, err)
		}
	}()
	if before, _ := earlier.Importing(); before.Bytes != disk.Sizes(disk.ImportingPath(directory)) {
		return nil, fmt.Errorf("%w: an import waits no more, or another one", recovery.ErrJournalGap)
	}
	files, err := disk.List(directory)
	if err != nil {
		return nil, err
	}
	if err := h.holdJournals(files.Journals); err != nil {
		return nil, err
	}
	for _, path := range files.Snapshots {
		if sequence := disk.SnapshotSequence(path); sequence > h.last {
			return nil, fmt.Errorf("%w: there is snapshot %q, and the journal ends with %d", recovery.ErrJournalGap, path, h.last)
		}
	}
	return h.after(earlier, now)
}

// after adds the journals that are held to an earlier generation.
func (h *holder) after(earlier Manifest, now time.Time) (*Held, error) {
	held := &Held{Manifest: earlier}
	held.Manifest.Commit, held.Manifest.Taken = h.last, now.UTC().Truncate(time.Second)
	held.Manifest.Files = nil
	var journals []File
	for _, file := range earlier.Files {
		file.Object = ""
		isGrown := slices.ContainsFunc(h.journals, func(grown heldFile) bool { return filepath.Base(grown.path) == file.Name })
		switch {
		case isGrown:
		case IsJournal(file.Name):
			journals = append(journals, file)
		default:
			held.Manifest.Files = append(held.Manifest.Files, file)
		}
	}
	for _, file := range h.journals {
		described, err := file.described()
		if err != nil {
			return nil, err
		}
		journals = append(journals, described)
	}
	slices.SortFunc(journals, func(a, b File) int { return cmp.Compare(b.Name, a.Name) })
	// As in a whole manifest: a snapshot, if there is one, comes last.
	at := slices.IndexFunc(held.Manifest.Files, func(file File) bool { return IsSnapshot(file.Name) })
	if at < 0 {
		at = len(held.Manifest.Files)
	}
	held.Manifest.Files = slices.Insert(held.Manifest.Files, at, journals...)
	held.files = make([]heldFile, len(held.Manifest.Files))
	for _, file := range h.journals {
		at := slices.IndexFunc(held.Manifest.Files, func(f File) bool { return f.Name == filepath.Base(file.path) })
		held.files[at] = file
	}
	return held, nil
}
