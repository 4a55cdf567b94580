package format

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// The versions of headers. Each file is written in the last one.
const (
	// versionPlain is that of files that do not say whose they are.
	versionPlain = 1
	// versionIdentity is that of files with an identity.
	versionIdentity = 2
)

const (
	identitySize = 16
	sumSize      = 4
	// headerStart is how much of any header says how long it is: magic and version.
	headerStart = 12
	// flagsAt, numberAt and otherAt are where the fields of a file of sections lie.
	flagsAt  = 12
	numberAt = 16
	otherAt  = 24
)

// An Identity is that of a data directory: 128 random bits, which every file in it
// carries. The zero Identity is that of a file from before there were any.
type Identity [identitySize]byte

// NewIdentity is that of a new directory.
func NewIdentity() (identity Identity) {
	_, _ = rand.Read(identity[:]) // it never fails
	return identity
}

// IsZero says whether there is no identity.
func (i Identity) IsZero() bool { return i == Identity{} }

// String is the identity in hexadecimal digits, or "none".
func (i Identity) String() string {
	if i.IsZero() {
		return "none"
	}
	return hex.EncodeToString(i[:])
}

// sealHeader ends a header that has all its other fields: with the identity and the
// CRC32C of what is before it.
func sealHeader(b []byte, identity Identity) []byte {
	b = append(b, identity[:]...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// headerSum is the CRC32C that ends a header.
func headerSum(header []byte) uint32 {
	return binary.LittleEndian.Uint32(header[len(header)-sumSize:])
}

// headerIdentity is the identity in a header of the given full size, the zero one if
// it is from before there were any.
func headerIdentity(header []byte, full int) (identity Identity) {
	if len(header) == full {
		copy(identity[:], header[full-sumSize-identitySize:])
	}
	return identity
}

// headerSize is how long a header is that begins with the given bytes, if one of the
// newest version has the full size. It returns ErrNotOurs or ErrVersion.
func headerSize(start []byte, magic string, full int) (int, error) {
	if string(start[:len(magic)]) != magic {
		return 0, fmt.Errorf("%w: begins with %q, want %q", ErrNotOurs, start[:len(magic)], magic)
	}
	switch version := binary.LittleEndian.Uint32(start[len(magic):]); version {
	case versionPlain:
		return full - identitySize, nil
	case versionIdentity:
		return full, nil
	default:
		return 0, unknownVersion("have %d, want %d or %d", version, versionPlain, versionIdentity)
	}
}

func checkHeaderSum(header []byte) error {
	if have, want := checksum(header[:len(header)-sumSize]), headerSum(header); have != want {
		return fmt.Errorf("%w in the header: have %08x, want %08x", ErrChecksum, have, want)
	}
	return nil
}

// appendFileHeader appends the header of a file of sections.
func appendFileHeader(b []byte, magic string, flags uint32, number, other uint64, identity Identity) []byte {
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, versionIdentity)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, other)
	return sealHeader(b, identity)
}

// readFileHeader reads the header of a file of sections. It returns what fill does,
// ErrNotOurs, ErrVersion or ErrChecksum.
func readFileHeader(fill func([]byte) error, magic string) ([]byte, error) {
	header := make([]byte, fileHeaderSize)
	if err := fill(header[:headerStart]); err != nil {
		return nil, err
	}
	size, err := headerSize(header, magic, fileHeaderSize)
	if err != nil {
		return nil, err
	}
	header = header[:size]
	if err := fill(header[headerStart:]); err != nil {
		return nil, err
	}
	return header, checkHeaderSum(header)
}

// ReadIdentity reads only whose a file is, of whichever kind. The error is that of a
// header which cannot be read.
func ReadIdentity(input io.Reader) (Identity, error) {
	header := make([]byte, fileHeaderSize)
	if _, err := io.ReadFull(input, header[:headerStart]); err != nil {
		return Identity{}, fmt.Errorf("%w: in the header", ErrTruncated)
	}
	magic, full := string(header[:len(journalMagic)]), fileHeaderSize
	switch magic {
	case snapshotMagic, dayMagic:
	case journalMagic:
		full = JournalHeaderSize
	default:
		return Identity{}, fmt.Errorf("%w: begins with %q", ErrNotOurs, magic)
	}
	size, err := headerSize(header, magic, full)
	if err != nil {
		return Identity{}, err
	}
	header = header[:size]
	if _, err := io.ReadFull(input, header[headerStart:]); err != nil {
		return Identity{}, fmt.Errorf("%w: in the header", ErrTruncated)
	}
	return headerIdentity(header, full), checkHeaderSum(header)
}
