package cluster

import (
	"encoding/binary"
	"fmt"
	"slices"

	"stats-recorder/counters"
)

// A Membership is what a data directory knows of the log beside its counts. It is in
// each snapshot, and changed by the notes of the commits after it. It has no lock.
type Membership struct {
	// Covered is which frames the state has, its own included, and up to where the log
	// was merged.
	Covered Covered
	// Origin is under which the directory makes frames, and Sequence the last one.
	Origin   Origin
	Sequence uint64
	// Framed is a commit up to which what was counted in this directory is in frames.
	Framed uint64
	// Expired are the days that all nodes let go of.
	Expired Expired
	// Imports are those that were announced.
	Imports []Import
	// MustAdopt is set where the counts are not those of Covered: a repair may have lost some,
	// or some are in frames that only the log has, because the directory is a copy or came from
	// a backup. What it has told itself, and what it has counted since, is whole.
	MustAdopt bool
}

// Apply changes the membership by the note of a commit that follows.
func (m *Membership) Apply(note Note) {
	if note.Origin != (Origin{}) && note.Origin != m.Origin {
		m.Origin, m.Sequence = note.Origin, 0
	}
	m.MustAdopt = m.MustAdopt || note.MustAdopt
	m.Framed = max(m.Framed, note.Framed)
	for _, said := range note.Expiries {
		m.Expired.Add(said)
	}
	if note.Position != (Position{}) {
		m.Covered.Position = note.Position
	}
	for _, dropped := range note.Dropped {
		m.Covered.remove(dropped.Origin, dropped.Sequence) // an import that it announced is announced anew
	}
	for _, announced := range note.Imports {
		m.rememberImport(announced)
	}
	for _, merged := range note.Merged {
		m.Covered.Add(merged.Origin, merged.Sequence)
	}
	for _, own := range note.Own {
		m.Covered.Add(own.Origin, own.Sequence)
		if own.Origin == m.Origin {
			m.Sequence = max(m.Sequence, own.Sequence)
		}
	}
}

// rememberImport adds an import that was announced. Copies do without it. Where it was
// announced twice, under two numbers or with two memories, the first one stays: what it counts
// is the same.
func (m *Membership) rememberImport(announced Import) {
	if _, found := m.ImportOf(announced.Origin); !found {
		m.Imports = append(slices.Clip(m.Imports), announced)
	}
}

func flagsOf(mustAdopt bool) byte {
	if mustAdopt {
		return flagMustAdopt
	}
	return 0
}

// Clone is a copy that shares nothing with m. That of nil is nil.
func (m *Membership) Clone() *Membership {
	if m == nil {
		return nil
	}
	clone := *m
	clone.Covered = *m.Covered.Clone()
	return &clone
}

const (
	// membershipVersion is of what is written; before imports were announced it was 1.
	membershipVersion = 2
	membershipFixed   = 1 + 16 + 8 + 8 + expirySize + 4 + 1

	flagMustAdopt = 1
)

// AppendTo appends the membership to b, little endian:
//
//	byte  version, 2
//	16    origin
//	8     last sequence number of the origin
//	8     framed
//	20    the saying that expires most: 16 node, 4 first day kept
//	4     first day kept by what another node said
//	1     1 if a state must be adopted, else 0
//	      the imports, as a note has them; not in version 1
//	      the vector, as Covered.AppendTo has it, up to the end
func (m *Membership) AppendTo(b []byte) []byte {
	b = append(b, membershipVersion)
	b = append(b, m.Origin[:]...)
	b = binary.LittleEndian.AppendUint64(b, m.Sequence)
	b = binary.LittleEndian.AppendUint64(b, m.Framed)
	b = appendExpiry(b, m.Expired.furthest)
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Expired.seconded))
	b = append(b, flagsOf(m.MustAdopt))
	b = appendImports(b, m.Imports)
	return m.Covered.AppendTo(b)
}

// Parts are memberships which AppendTo makes at most so many bytes each, where no import is larger
// itself: this one with as many imports as fit, and others that have nothing but imports.
func (m *Membership) Parts(most int) (parts []Membership) {
	part, rest := *m, m.Imports
	for {
		part.Imports = nil
		fitting, size := 0, len(part.AppendTo(nil))
		for fitting < len(rest) {
			size += importSize(rest[fitting])
			if size > most && (fitting > 0 || len(parts) == 0) {
				break
			}
			fitting++
		}
		part.Imports, rest = rest[:fitting], rest[fitting:]
		parts = append(parts, part)
		if len(rest) == 0 {
			return parts
		}
		part = Membership{}
	}
}

// DecodeMembership reads what AppendTo appended, which must be all of data. Errors are
// those of DecodeCovered.
func DecodeMembership(data []byte) (*Membership, error) {
	if len(data) > 0 && (data[0] == 0 || data[0] > membershipVersion) {
		return nil, fmt.Errorf("%w: the membership has %d, this program reads 1 to %d", ErrFormat, data[0], membershipVersion)
	}
	if len(data) < membershipFixed {
		return nil, fmt.Errorf("%w: a membership of %d bytes, want at least %d", ErrMalformed, len(data), membershipFixed)
	}
	rest := noteDecoder{data: data[membershipFixed:]}
	var imports []Import
	if data[0] > 1 {
		imports = rest.imports()
	}
	if rest.err != nil {
		return nil, rest.err
	}
	covered, err := DecodeCovered(rest.data)
	if err != nil {
		return nil, err
	}
	return &Membership{
		Covered:  *covered,
		Imports:  imports,
		Origin:   Origin(data[1:17]),
		Sequence: binary.LittleEndian.Uint64(data[17:]),
		Framed:   binary.LittleEndian.Uint64(data[25:]),
		Expired: Expired{
			furthest: decodeExpiry(data[33:]),
			seconded: counters.Day(binary.LittleEndian.Uint32(data[33+expirySize:])),
		},
		MustAdopt: data[membershipFixed-1] == flagMustAdopt,
	}, nil
}
