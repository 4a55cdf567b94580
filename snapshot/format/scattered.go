package format

import "encoding/binary"

// FindSalt finds the salt of a journal file whose header cannot be read: the one that
// most bytes of intact frames have. The file's frames begin with a sequence number of
// at least first. It returns 0 when there are no such frames.
//
// A benefit's name could look like a frame, and so have a salt of a stranger's choice,
// if the frame around it is damaged; the true frames beside it outweigh that.
func FindSalt(data []byte, first uint64) (salt uint64) {
	bytes := map[uint64]int64{}
	most := first + uint64(len(data))/FrameHeaderSize
	for offset := int64(0); offset+FrameHeaderSize <= int64(len(data)); {
		frame, ok := Frame{}, false
		if sequence := binary.LittleEndian.Uint64(data[offset+16:]); sequence >= first && sequence <= most {
			frame, ok = FrameAt(data, offset, SaltAt(data, offset))
		}
		if !ok {
			offset++
			continue
		}
		own := SaltAt(data, offset)
		bytes[own] += frame.End() - offset
		offset = frame.End()
	}
	for candidate, size := range bytes {
		if size > bytes[salt] {
			salt = candidate
		}
	}
	return salt
}
