package snapshot_test

import (
	"encoding/binary"
	"slices"
)

// The places of things in files, by the formats that the package documents.
const (
	fileHeader    = 52
	sectionHeader = 20
	journalHeader = 48
	frameHeader   = 36
)

// part is where a frame or a section lies in a file.
type part struct{ start, end int }

func (p part) of(data []byte) []byte { return data[p.start:p.end] }

// frames are those of a journal file, as far as their lengths lead.
func frames(data []byte) (parts []part) {
	for start := journalHeader; start+frameHeader <= len(data); {
		length := int(binary.LittleEndian.Uint32(data[start:]))
		if length == 0 || length > len(data)-start-frameHeader {
			break
		}
		parts = append(parts, part{start, start + frameHeader + length})
		start += frameHeader + length
	}
	return parts
}

// framesEnd is where the last frame ends, or the header.
func framesEnd(data []byte) int {
	if parts := frames(data); len(parts) > 0 {
		return parts[len(parts)-1].end
	}
	return min(len(data), journalHeader)
}

// sections are those of a snapshot.
func sections(data []byte) (parts []part) {
	for start := fileHeader; start < len(data); {
		end := start + sectionHeader + int(binary.LittleEndian.Uint32(data[start+8:]))
		parts = append(parts, part{start, end})
		start = end
	}
	return parts
}

// with is data with one place replaced.
func with(data []byte, at part, replacement []byte) []byte {
	return slices.Concat(data[:at.start], replacement, data[at.end:])
}

// flipped is data with some bits of one byte flipped.
func flipped(data []byte, at int, bits byte) []byte {
	changed := slices.Clone(data)
	changed[at] ^= bits
	return changed
}
