package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// An import into a directory that counts with others waits in a file of its own, see
// recovery.ReadImporting. Once that has its name, the import is made by whoever runs on the
// directory next, unless the log has another one in its place.

var (
	// ErrImportWaits means that an import waits for the node that runs on the directory.
	ErrImportWaits = errors.New("an import waits here to be told to other nodes: start the node with LOG_URL and ROLE=all, which makes it or says why not; " +
		"if its log is gone for good, remove the file, and import again what was imported")
	// ErrImportDamaged means that the file of an import cannot be read. It is put aside.
	ErrImportDamaged = errors.New("the import that waited here is damaged, and put aside: make it again")
)

// checkNothingWaits returns ErrImportWaits if an import waits.
func checkNothingWaits(directory string) error {
	since, err := waitingSince(directory)
	if !since.IsZero() {
		err = fmt.Errorf("%q, since %s: %w", disk.ImportingPath(directory), since.UTC().Format(time.RFC3339), ErrImportWaits)
	}
	return err
}

func waitingSince(directory string) (time.Time, error) {
	path := disk.ImportingPath(directory)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("stat %q: %w", path, disk.Plain(err))
	}
	return info.ModTime(), nil
}

// saveWaiting writes the frames of an import, where none waits.
func saveWaiting(directory string, frames []cluster.Frame) error {
	_, err := disk.Save(disk.ImportingPath(directory), "importing", func(output io.Writer) error {
		for _, frame := range frames {
			encoded, err := frame.Encode()
			if err != nil {
				return err
			}
			length := binary.LittleEndian.AppendUint32(nil, uint32(len(encoded)))
			if _, err := output.Write(append(length, encoded...)); err != nil {
				return err
			}
		}
		return nil
	}, func(temporary string) error {
		_, err := recovery.ReadImporting(temporary)
		return err
	})
	if err != nil { // it may have its name all the same
		err = errors.Join(err, disk.Remove(disk.ImportingPath(directory)))
	}
	return err
}

// WaitingSince is since when an import waits in the directory; the zero time for none.
func (k *Keeper) WaitingSince() (time.Time, error) { return waitingSince(k.options.Directory) }

// Waiting is the import that waits in the directory: the frame that announces it and those
// that count it. There is none where announcement has no sequence number. It returns
// ErrImportDamaged.
func (k *Keeper) Waiting() (announcement cluster.Frame, counting []cluster.Frame, err error) {
	frames, err := recovery.ReadImporting(disk.ImportingPath(k.options.Directory))
	if errors.Is(err, format.ErrTruncated) || errors.Is(err, cluster.ErrMalformed) {
		err = fmt.Errorf("%w: %w", ErrImportDamaged, err)
	}
	if err != nil || len(frames) == 0 {
		return cluster.Frame{}, nil, err
	}
	return frames[0], frames[1:], nil
}

// EndWaiting forgets the import that waits, once what is committed is durable: its frames
// are, or what says that it is not to be. A loss of power before that finds it waiting.
func (k *Keeper) EndWaiting() error {
	if err := k.awaitDurable(); err != nil {
		return err
	}
	if err := disk.Remove(disk.ImportingPath(k.options.Directory)); err != nil {
		return err
	}
	return disk.SyncDirectory(k.options.Directory)
}

// SetWaitingAside is EndWaiting for one that is damaged, of which the file is kept.
func (k *Keeper) SetWaitingAside() error {
	return disk.SetAside(disk.ImportingPath(k.options.Directory))
}
