package cluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/cespare/xxhash/v2"

	"stats-recorder/counters"
)

// NewestFormat is the newest format of frames that this program reads. A node
// writes a newer one than the cluster's only after an operator has said that all
// nodes can read it.
const NewestFormat = 1

// MaxPayload is the largest payload of a frame, in bytes. It leaves room for the
// headers below the 1 MiB that a NATS server takes by default.
const MaxPayload = 1_000_000

// A Frame is what one origin counted since its frame before.
type Frame struct {
	// Origin is who made the frame.
	Origin Origin
	// Sequence numbers the frames of an origin, from 1, without gaps.
	Sequence uint64
	// Nonce is random, drawn when the frame is sealed, and kept with it in the
	// journal. It tells the frames of a node from those of its copy, which may well
	// count the same under the same number.
	Nonce uint64
	// Format says how the payload is encoded: 1 to NewestFormat.
	Format uint16
	// Clock is the hour at the origin when the frame was sealed.
	Clock counters.Hour
	// Payload is the counts, with all names in it.
	Payload []byte
}

const (
	frameMagic      = "srfr"
	frameHeaderSize = 46
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode is the frame as it travels, little endian:
//
//	offset  size
//	     0     4  magic "srfr"
//	     4     2  format
//	     6    16  origin
//	    22     8  sequence, at least 1
//	    30     8  nonce
//	    38     4  clock, hours since 1970-01-01T00Z
//	    42     4  CRC32C (RFC 3720) of bytes 0 to 41 and the payload
//	    46        payload, at most MaxPayload, up to the end
//
// Every format begins with the magic and the format. Encode fails with ErrFormat,
// ErrTooLarge or, for a frame without origin or sequence, ErrMalformed.
func (f Frame) Encode() ([]byte, error) { return f.AppendTo(make([]byte, 0, f.size())) }

// size is how many bytes Encode returns.
func (f Frame) size() int { return frameHeaderSize + len(f.Payload) }

// AppendTo appends what Encode returns, and fails as that does.
func (f Frame) AppendTo(b []byte) ([]byte, error) {
	if f.Format == 0 || f.Format > NewestFormat {
		return nil, fmt.Errorf("frame %d of %s: %w: it has %d, this program writes 1 to %d", f.Sequence, f.Origin, ErrFormat, f.Format, NewestFormat)
	}
	if f.Origin == (Origin{}) || f.Sequence == 0 {
		return nil, fmt.Errorf("frame %d of %s: %w: no origin or no sequence", f.Sequence, f.Origin, ErrMalformed)
	}
	if len(f.Payload) > MaxPayload {
		return nil, fmt.Errorf("frame %d of %s: %w: its payload has %d bytes, the limit is %d", f.Sequence, f.Origin, ErrTooLarge, len(f.Payload), MaxPayload)
	}
	start := len(b)
	b = append(b, frameMagic...)
	b = binary.LittleEndian.AppendUint16(b, f.Format)
	b = append(b, f.Origin[:]...)
	b = binary.LittleEndian.AppendUint64(b, f.Sequence)
	b = binary.LittleEndian.AppendUint64(b, f.Nonce)
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Clock))
	b = binary.LittleEndian.AppendUint32(b, frameChecksum(b[start:], f.Payload))
	return append(b, f.Payload...), nil
}

// DecodeFrame reads what Encode wrote. The payload is part of data. The error
// wraps ErrFormat if a newer program wrote the frame, else ErrMalformed.
func DecodeFrame(data []byte) (Frame, error) {
	if len(data) < len(frameMagic)+2 || !bytes.HasPrefix(data, []byte(frameMagic)) {
		return Frame{}, fmt.Errorf("%w: %d bytes that do not begin like a frame", ErrMalformed, len(data))
	}
	format := binary.LittleEndian.Uint16(data[4:])
	if format == 0 || format > NewestFormat {
		return Frame{}, fmt.Errorf("%w: the frame has %d, this program reads 1 to %d: run the version that wrote it", ErrFormat, format, NewestFormat)
	}
	if len(data) < frameHeaderSize || len(data)-frameHeaderSize > MaxPayload {
		return Frame{}, fmt.Errorf("%w: a frame of %d bytes, want %d to %d", ErrMalformed, len(data), frameHeaderSize, frameHeaderSize+MaxPayload)
	}
	header, payload := data[:frameHeaderSize-4], data[frameHeaderSize:]
	if have, want := frameChecksum(header, payload), binary.LittleEndian.Uint32(data[frameHeaderSize-4:]); have != want {
		return Frame{}, fmt.Errorf("%w: frame of %d bytes with checksum %08x, want %08x", ErrMalformed, len(data), have, want)
	}
	frame := Frame{
		Origin:   Origin(header[6:22]),
		Sequence: binary.LittleEndian.Uint64(header[22:]),
		Nonce:    binary.LittleEndian.Uint64(header[30:]),
		Format:   format,
		Clock:    counters.Hour(binary.LittleEndian.Uint32(header[38:])),
		Payload:  payload,
	}
	if frame.Origin == (Origin{}) || frame.Sequence == 0 {
		return Frame{}, fmt.Errorf("%w: a frame without origin or sequence", ErrMalformed)
	}
	return frame, nil
}

func frameChecksum(header, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(header, castagnoli), castagnoli, payload)
}

// Renumbered is the frame for a log that has another frame under its number: the one
// frame of an origin that is made of the frame itself. A directory that comes back
// from a backup, and renumbers again what it renumbered before, so makes the same
// frame, and it is counted once. Errors are those of Encode.
func (f Frame) Renumbered() (Frame, error) {
	encoded, err := f.Encode()
	if err != nil {
		return Frame{}, err
	}
	sum := sha256.Sum256(encoded)
	f.Origin, f.Sequence = Origin(sum[:16]), 1
	return f, nil
}

// A FrameID is equal for two frames only if their bytes are, but for a chance of
// 1 in 2^64.
type FrameID struct {
	Origin   Origin
	Sequence uint64
	// Sum is the XXH64 of the encoded frame.
	Sum uint64
}

// IDOf is the ID of a frame that Encode gave these bytes.
func IDOf(frame Frame, encoded []byte) FrameID {
	return FrameID{frame.Origin, frame.Sequence, xxhash.Sum64(encoded)}
}

// String is the ID in 66 characters: origin, sequence and sum in hexadecimal,
// with dashes between.
func (id FrameID) String() string {
	return fmt.Sprintf("%s-%016x-%016x", id.Origin, id.Sequence, id.Sum)
}

// ParseFrameID reads what String wrote. The error wraps ErrMalformed.
func ParseFrameID(text string) (FrameID, error) {
	var id FrameID
	var origin []byte
	_, err := fmt.Sscanf(text, "%32x-%16x-%16x", &origin, &id.Sequence, &id.Sum)
	if err != nil || len(origin) != len(id.Origin) {
		return FrameID{}, fmt.Errorf("%w: frame ID %.80q", ErrMalformed, text)
	}
	id.Origin = Origin(origin)
	if id.String() != text {
		return FrameID{}, fmt.Errorf("%w: frame ID %.80q", ErrMalformed, text)
	}
	return id, nil
}
