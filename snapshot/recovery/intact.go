package recovery

import (
	"bytes"
	"errors"
	"fmt"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// Intact is what can be read of a journal file that may be damaged anywhere.
type Intact struct {
	Frames []format.Frame
	// Damage says what cannot be read, one sentence each.
	Damage []string
}

// ReadIntact finds every intact frame of a journal file, wherever in it that lies: behind
// damage, below a header that is none, around what the disk cannot read. An error is one
// of opening the file, see IsDamage, or format.ErrVersion.
func ReadIntact(path string) (Intact, error) {
	data, lost, err := disk.ReadAround(path)
	if err != nil {
		return Intact{}, err
	}
	var found Intact
	if lost > 0 {
		found.note("journal %q: the disk cannot read %d of its %d bytes", path, lost, len(data))
	}
	header, err := headerOf(path, data)
	if errors.Is(err, format.ErrVersion) {
		return Intact{}, fmt.Errorf("journal %q at offset 0: %w", path, err)
	} else if err != nil && len(data) > 0 {
		found.note("header of journal %q: %v", path, err)
	}
	if header.Salt != 0 {
		found.Frames = format.FindFrames(data, format.LeastJournalHeader, header.Salt)
	}
	start := min(header.Size, int64(len(data)))
	if len(found.Frames) > 0 {
		start = min(start, found.Frames[0].Offset)
	}
	found.noteHoles(path, data, start)
	return found, nil
}

// headerOf is the header of a journal file. Where none can be read, it has the salt that
// frames have, 0 if there are none. The error says what is wrong with it.
func headerOf(path string, data []byte) (header format.JournalHeader, err error) {
	err = format.ErrTruncated
	if len(data) >= format.LeastJournalHeader {
		if header, err = format.ParseJournalHeader(data); err == nil {
			return header, nil
		}
	}
	return format.JournalHeader{Salt: format.FindSalt(data, disk.JournalSequence(path)), Size: format.JournalHeaderSize}, err
}

func (i *Intact) note(format string, arguments ...any) {
	i.Damage = append(i.Damage, fmt.Sprintf(format, arguments...))
}

// noteHoles notes what lies between the frames, and behind them up to the zeros.
func (i *Intact) noteHoles(path string, data []byte, start int64) {
	const hole = "journal %q: %d bytes at offset %d hold no good frame"
	for _, frame := range i.Frames {
		if frame.Offset > start {
			i.note(hole, path, frame.Offset-start, start)
		}
		start = frame.End()
	}
	if rest := len(bytes.TrimRight(data[start:], "\x00")); rest > 0 {
		i.note(hole, path, rest, start)
	}
}
