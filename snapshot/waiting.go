package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// waitingName is the file of an import into a directory that counts with others: the frame
// that announces it, and then those that count it, each with its length in 4 bytes, little
// endian, before it. Once it has its name, the import is made by whoever runs on the
// directory next, unless the log has another one in its place.
const waitingName = "importing"

var (
	// ErrImportWaits means that an import waits for the node that runs on the directory.
	ErrImportWaits = errors.New("an import waits here to be told to other nodes: start the node with LOG_URL first; if its log is gone for good, remove the file, and import again")
	// ErrImportDamaged means that the file of an import cannot be read. It is put aside.
	ErrImportDamaged = errors.New("the import that waited here is damaged, and put aside: make it again")
)

func waitingPath(directory string) string { return filepath.Join(directory, waitingName) }

// checkNothingWaits returns ErrImportWaits if an import waits.
func checkNothingWaits(directory string) error {
	waits, err := isWaiting(directory)
	if waits {
		err = fmt.Errorf("%w: %q", ErrImportWaits, waitingPath(directory))
	}
	return err
}

func isWaiting(directory string) (bool, error) {
	path := waitingPath(directory)
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("stat %q: %w", path, disk.Plain(err))
	}
	return true, nil
}

// saveWaiting writes the frames of an import, where none waits.
func saveWaiting(directory string, frames []cluster.Frame) error {
	_, err := disk.Save(waitingPath(directory), waitingName, func(output io.Writer) error {
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
		_, err := readWaiting(temporary)
		return err
	})
	if err != nil { // it may have its name all the same
		err = errors.Join(err, disk.Remove(waitingPath(directory)))
	}
	return err
}

// readWaiting reads them; it returns none where there is no file.
func readWaiting(path string) (frames []cluster.Frame, err error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, disk.Plain(err))
	}
	const ofLength = 4
	for rest := content; len(rest) > 0; {
		end := uint64(ofLength)
		if len(rest) >= ofLength {
			end += uint64(binary.LittleEndian.Uint32(rest))
		}
		if end > uint64(len(rest)) {
			return nil, fmt.Errorf("%q at offset %d: %w", path, len(content)-len(rest), format.ErrTruncated)
		}
		frame, err := cluster.DecodeFrame(rest[ofLength:end])
		if err != nil {
			return nil, fmt.Errorf("%q at offset %d: %w", path, len(content)-len(rest), err)
		}
		frames, rest = append(frames, frame), rest[end:]
	}
	if err := checkWhole(frames); err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return frames, nil
}

// checkWhole returns format.ErrTruncated where there are not as many frames as the first of
// them announces.
func checkWhole(frames []cluster.Frame) error {
	if len(frames) == 0 {
		return fmt.Errorf("%w: it has no frame", format.ErrTruncated)
	}
	told, err := format.ReadPortable(frames[0].Payload)
	if err != nil {
		return err
	}
	have := uint64(len(frames)) - 1
	if len(told.Imports) != 1 || told.Imports[0].Frames != have {
		return fmt.Errorf("%w: %d frames follow an announcement of others", format.ErrTruncated, have)
	}
	return nil
}

// Waits says whether an import waits in the directory.
func (k *Keeper) Waits() (bool, error) { return isWaiting(k.options.Directory) }

// Waiting is the import that waits in the directory: the frame that announces it and those
// that count it. There is none where announcement has no sequence number. It returns
// ErrImportDamaged.
func (k *Keeper) Waiting() (announcement cluster.Frame, counting []cluster.Frame, err error) {
	frames, err := readWaiting(waitingPath(k.options.Directory))
	if errors.Is(err, format.ErrTruncated) || errors.Is(err, cluster.ErrMalformed) {
		err = fmt.Errorf("%w: %w", ErrImportDamaged, err)
	}
	if err != nil || len(frames) == 0 {
		return cluster.Frame{}, nil, err
	}
	return frames[0], frames[1:], nil
}

// EndWaiting forgets the import that waits: its frames are in the journal, or it is not
// to be.
func (k *Keeper) EndWaiting() error {
	if err := disk.Remove(waitingPath(k.options.Directory)); err != nil {
		return err
	}
	return disk.SyncDirectory(k.options.Directory)
}

// SetWaitingAside is EndWaiting for one that is damaged, of which the file is kept.
func (k *Keeper) SetWaitingAside() error { return disk.SetAside(waitingPath(k.options.Directory)) }

// removeUnfinishedWaiting removes what a process has left that ended before an import waited.
func removeUnfinishedWaiting(directory string) error {
	return disk.Remove(disk.TemporaryPath(waitingPath(directory)))
}
