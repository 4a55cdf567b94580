package snapshot

import (
	"slices"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// tidy moves damaged snapshots aside, cuts off a torn write, and removes what
// a crash left half made. The state is safe without each of these.
func tidy(found *recovery.State, options *Options) error {
	for _, path := range slices.Concat(found.Damaged, found.Orphans) {
		if err := disk.SetAside(path); err != nil {
			return err
		}
	}
	if err := tidyClosing(found, options.Directory); err != nil {
		return err
	}
	for _, path := range found.Files.Temporary {
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	if err := tidyJournals(found, options); err != nil {
		return err
	}
	for _, warning := range found.Summary.Warnings {
		options.Logger.Warn(warning)
	}
	return nil
}

// tidyClosing removes the files of closed days whose snapshot never came to be, and then
// the marks that say so.
func tidyClosing(found *recovery.State, directory string) error {
	if len(found.Files.Closing) == 0 {
		return nil
	}
	for _, path := range found.Files.Days {
		closed := recovery.DayOf(path)
		isMarked := slices.Contains(found.Files.Closing, disk.ClosingPath(directory, closed.Generation))
		if listed, _ := found.Loaded.Manifest.Find(closed.Day); !isMarked || listed.Generation == closed.Generation {
			continue
		}
		if closed.Generation <= found.Loaded.Header.Sequence {
			continue // an older snapshot may list it
		}
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	if err := disk.SyncDirectory(directory); err != nil {
		return err
	}
	for _, path := range found.Files.Closing {
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// tidyJournals readies the journal files to be followed by another. The newest go
// first: after a crash in the middle of it, no file is left without the one before.
func tidyJournals(found *recovery.State, options *Options) error {
	for _, path := range slices.Backward(found.Torn) {
		options.Logger.Warn("dropped the last commits: the power was lost before they were durable", "file", path)
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	// What the process did not live to sync may have been read from memory alone, and
	// the next file builds on it.
	for _, path := range found.Replayed {
		if err := disk.SyncPath(path, "journal"); err != nil {
			return err
		}
	}
	if err := disk.SyncDirectory(options.Directory); err != nil {
		return err
	}
	return tidyNewest(found.Newest, options)
}

// tidyNewest cuts a torn write off the newest journal file, nil for none.
func tidyNewest(newest *recovery.Scan, options *Options) error {
	if newest == nil {
		return nil
	}
	if len(newest.Frames) == 0 {
		// Created, but nothing acknowledged in it; the next one may get its name.
		if err := disk.Remove(newest.Path); err != nil {
			return err
		}
		return disk.SyncDirectory(options.Directory)
	}
	if newest.Tail > 0 {
		options.Logger.Warn("cut off a write that was never acknowledged",
			"file", newest.Path, "offset", newest.End, "bytes", newest.Tail)
	}
	return disk.CutOff(newest.Path, newest.End)
}
