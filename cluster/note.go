package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"stats-recorder/counters"
)

// A FrameNumber is a frame by the number that its origin gave it.
type FrameNumber struct {
	Origin   Origin
	Sequence uint64
}

// A Note says what a commit of a node has to do with the log. It is written in the
// same commit as the counts that it tells of, so that both are durable or none is.
type Note struct {
	// Origin is under which the node makes frames from this commit on; zero: as before.
	Origin Origin
	// MustAdopt says that the state has counts which frames tell of that it lacks, see
	// Membership.
	MustAdopt bool
	// Framed is a commit up to which what was counted here is in frames, those of this
	// note included; 0: as before.
	Framed uint64
	// Position is up to where the log was merged with this commit; zero: as before.
	Position Position
	// Dropped are numbers under which the log has other frames than this node
	// thought: its state does not have them after all.
	Dropped []FrameNumber
	// Merged are the frames of others whose counts are in the commit.
	Merged []FrameNumber
	// Expiries are what nodes say of RETENTION in the frames of this note, and Imports
	// what they announce.
	Expiries []Expiry
	Imports  []Import
	// Own are frames made of what was counted here, whose counts are in the state
	// already. The journal keeps them until others have them.
	Own []Frame
}

const (
	// noteVersion is of what is written; before imports were announced it was 1.
	noteVersion = 2
	numberSize  = 16 + 8
	expirySize  = 16 + 4
)

// AppendTo appends the note to b, little endian:
//
//	byte     version, 2
//	1        1 if a state must be adopted, else 0
//	16       origin, zeros for none
//	8        framed
//	16, 8    position: epoch and sequence
//	4        how many dropped, then for each: 16 origin, 8 sequence
//	4        how many merged, then the same
//	4        how many expiries, then for each: 16 node, 4 first day kept
//	4        how many own, then for each: 4 length, the frame as Frame.Encode has it
//	4        how many imports, then for each: 4 length, the import as Import.AppendTo has it;
//	         not in version 1
//
// The error is that of Frame.Encode.
func (n Note) AppendTo(b []byte) ([]byte, error) {
	b = append(b, noteVersion, flagsOf(n.MustAdopt))
	b = append(b, n.Origin[:]...)
	b = binary.LittleEndian.AppendUint64(b, n.Framed)
	b = append(b, n.Position.Epoch[:]...)
	b = binary.LittleEndian.AppendUint64(b, n.Position.Sequence)
	b = appendNumbers(b, n.Dropped)
	b = appendNumbers(b, n.Merged)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(n.Expiries)))
	for _, said := range n.Expiries {
		b = appendExpiry(b, said)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(n.Own)))
	for _, frame := range n.Own {
		var err error
		b = slices.Grow(b, 4+frame.size()+4) // and the number of imports
		if b, err = frame.AppendTo(binary.LittleEndian.AppendUint32(b, uint32(frame.size()))); err != nil {
			return nil, err
		}
	}
	return appendImports(b, n.Imports), nil
}

func appendExpiry(b []byte, said Expiry) []byte {
	return binary.LittleEndian.AppendUint32(append(b, said.Node[:]...), uint32(said.Before))
}

// decodeExpiry reads the first expirySize bytes.
func decodeExpiry(b []byte) Expiry {
	return Expiry{Node: [16]byte(b), Before: counters.Day(binary.LittleEndian.Uint32(b[16:]))}
}

func appendNumbers(b []byte, numbers []FrameNumber) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(numbers)))
	for _, number := range numbers {
		b = append(b, number.Origin[:]...)
		b = binary.LittleEndian.AppendUint64(b, number.Sequence)
	}
	return b
}

// DecodeNote reads what AppendTo appended, which must be all of data. Payloads
// are parts of data. The error wraps ErrFormat if a newer program wrote it, else ErrMalformed.
func DecodeNote(data []byte) (Note, error) {
	if len(data) > 0 && (data[0] == 0 || data[0] > noteVersion) {
		return Note{}, fmt.Errorf("%w: the note has %d, this program reads 1 to %d", ErrFormat, data[0], noteVersion)
	}
	d := noteDecoder{data: data}
	version := d.take(1)[0]
	note := Note{MustAdopt: d.take(1)[0] == flagMustAdopt, Origin: d.origin(), Framed: d.number()}
	note.Position = Position{Epoch: Epoch(d.origin()), Sequence: d.number()}
	note.Dropped, note.Merged = d.numbers(), d.numbers()
	for range d.count(expirySize) {
		note.Expiries = append(note.Expiries, decodeExpiry(d.take(expirySize)))
	}
	for range d.count(frameHeaderSize) {
		frame, err := DecodeFrame(d.take(d.length()))
		if d.err == nil && err != nil {
			d.err = err
		}
		note.Own = append(note.Own, frame)
	}
	if version > 1 {
		note.Imports = d.imports()
	}
	if d.err == nil && len(d.data) > 0 {
		d.err = fmt.Errorf("%w: note with %d bytes after its end", ErrMalformed, len(d.data))
	}
	return note, d.err
}

// noteDecoder reads a note from front to back. The first failure sticks.
type noteDecoder struct {
	data []byte
	err  error
}

func (d *noteDecoder) take(n int) []byte {
	if d.err == nil && len(d.data) < n {
		d.err = fmt.Errorf("%w: note of too few bytes", ErrMalformed)
	}
	if d.err != nil {
		return make([]byte, min(n, numberSize))
	}
	taken := d.data[:n]
	d.data = d.data[n:]
	return taken
}

func (d *noteDecoder) origin() Origin { return Origin(d.take(16)) }
func (d *noteDecoder) number() uint64 { return binary.LittleEndian.Uint64(d.take(8)) }
func (d *noteDecoder) length() int    { return int(binary.LittleEndian.Uint32(d.take(4))) }

// count reads how many things follow, each of at least so many bytes.
func (d *noteDecoder) count(least int) int {
	n := d.length()
	if d.err == nil && n > len(d.data)/least {
		d.err = fmt.Errorf("%w: note with more entries than bytes", ErrMalformed)
	}
	if d.err != nil {
		return 0
	}
	return n
}

// imports reads what appendImports appended. Memories are copies.
func (d *noteDecoder) imports() (imports []Import) {
	for range d.count(importFixed) {
		one, err := DecodeImport(bytes.Clone(d.take(d.length())))
		if d.err == nil && err != nil {
			d.err = err
		}
		imports = append(imports, one)
	}
	return imports
}

func (d *noteDecoder) numbers() []FrameNumber {
	var numbers []FrameNumber
	for range d.count(numberSize) {
		numbers = append(numbers, FrameNumber{d.origin(), d.number()})
	}
	return numbers
}
