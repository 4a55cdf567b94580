package cluster

import (
	"encoding/binary"
	"fmt"
)

// ImportsOrigin is under which all nodes announce what they import, one import under
// each sequence number. That all who would are one origin lets the log take one at a
// time: who announces the next one knows those before it, and has left out what they have.
var ImportsOrigin = Origin([]byte("imported counts."))

// An Import is what a node announces before it tells what it has imported. From then on
// all know it, so that none of it is imported once more, and its frames follow under an
// origin that is made of what they count: whoever makes frames of the same makes the same.
type Import struct {
	// Number is the sequence number of its announcement.
	Number uint64
	// Origin is that of its frames, and Frames how many there are, from 1.
	Origin Origin
	Frames uint64
	// Memory is what is to be remembered of it, in a form that this package does not know.
	Memory []byte
}

const importFixed = 8 + 16 + 8

// AppendTo appends the import to b, little endian:
//
//	8   number
//	16  origin
//	8   how many frames
//	    memory, up to the end
func (i Import) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, i.Number)
	b = append(b, i.Origin[:]...)
	b = binary.LittleEndian.AppendUint64(b, i.Frames)
	return append(b, i.Memory...)
}

// DecodeImport reads what AppendTo appended, which must be all of data. The memory is
// part of data. The error wraps ErrMalformed.
func DecodeImport(data []byte) (Import, error) {
	if len(data) < importFixed {
		return Import{}, fmt.Errorf("%w: an import of %d bytes, want at least %d", ErrMalformed, len(data), importFixed)
	}
	read := Import{
		Number: binary.LittleEndian.Uint64(data),
		Origin: Origin(data[8:24]),
		Frames: binary.LittleEndian.Uint64(data[24:]),
		Memory: data[importFixed:],
	}
	if read.Number == 0 || read.Frames == 0 || read.Origin == (Origin{}) {
		return Import{}, fmt.Errorf("%w: an import without number, origin or frames", ErrMalformed)
	}
	return read, nil
}

// appendImports appends some imports to b, each with its length in 4 bytes before it, and
// how many they are in 4 bytes before all.
func appendImports(b []byte, imports []Import) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(imports)))
	for _, one := range imports {
		b = binary.LittleEndian.AppendUint32(b, uint32(importFixed+len(one.Memory)))
		b = one.AppendTo(b)
	}
	return b
}

// importSize is how many bytes appendImports takes for an import.
func importSize(one Import) int { return 4 + importFixed + len(one.Memory) }

// ImportOf is the import whose frames have an origin. Two may have the same number, if the log
// lost the announcement of the first one.
func (m *Membership) ImportOf(origin Origin) (Import, bool) {
	for _, one := range m.Imports {
		if one.Origin == origin {
			return one, true
		}
	}
	return Import{}, false
}

// Unfinished are the imports that were announced and of which the state lacks frames.
func (m *Membership) Unfinished() (unfinished []Import) {
	for _, one := range m.Imports {
		if !m.IsWhole(one) {
			unfinished = append(unfinished, one)
		}
	}
	return unfinished
}

// HasSome says whether the state has a frame of an import.
func (m *Membership) HasSome(one Import) bool { return m.Covered.Highest(one.Origin) > 0 }

// IsWhole says whether the state has all frames of an import.
func (m *Membership) IsWhole(one Import) bool { return m.Covered.UpTo(one.Origin) >= one.Frames }
