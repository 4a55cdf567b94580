package recovery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// ReadImporting reads the file of an import that waits: the frame that announces it, and then
// those that count it, each with its length in 4 bytes, little endian, before it. It returns
// none where there is no file. The error wraps one of format or of cluster.DecodeFrame.
func ReadImporting(path string) (frames []cluster.Frame, err error) {
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
