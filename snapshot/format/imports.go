package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
)

// Imports are what a directory remembers of its imports, so that nothing is counted
// twice and the last one can be undone. They are not changed once made.
type Imports struct {
	List []Imported // in the order in which they were made
	// Untold is how many of the first imports tell of no ranges: they were made by
	// programs that remembered none.
	Untold int
	// Sources are by name.
	Sources []ImportSource
	// Sequence is the commit as which the last import counts, and Events how many
	// events there were in all after it; 0 for none that can be undone.
	Sequence, Events uint64
}

// Imported says what was imported once.
type Imported struct {
	// Fingerprint is of the content, whatever its order and format.
	Fingerprint [16]byte
	// At is when, Documents how many.
	At        time.Time
	Documents uint64
}

// An ImportSource is where documents came from: a collection of the replaced service,
// or the directory that wrote an export.
type ImportSource struct {
	Name string
	// Ranges are in order, and none overlaps another. There are none where it is only
	// known that an export of another directory held something of this source.
	Ranges []ImportRange
}

// An ImportRange is the documents of one source that one import found from First to
// Last, in the order of time: how many, and a sum of hashes that tells which.
type ImportRange struct {
	First, Last [12]byte
	Documents   uint64
	Sum         [16]byte
}

// With are these imports and more after them. The sources of more have no range in common
// with these.
func (i Imports) With(more Imports) Imports {
	i.List = slices.Concat(i.List, more.List)
	i.Sources = slices.Clone(i.Sources)
	for _, added := range more.Sources {
		at, found := slices.BinarySearchFunc(i.Sources, added.Name, func(s ImportSource, name string) int { return strings.Compare(s.Name, name) })
		if !found {
			i.Sources = slices.Insert(i.Sources, at, ImportSource{Name: added.Name})
		}
		source := &i.Sources[at]
		source.Ranges = slices.Concat(source.Ranges, added.Ranges)
		slices.SortFunc(source.Ranges, func(a, b ImportRange) int { return bytes.Compare(a.First[:], b.First[:]) })
	}
	return i
}

// AppendMemory appends to b what other directories are to remember of imports, as
// cluster.Import has it:
//
//	uvarint  length of the list, the list as in a snapshot
//	then for each source: uvarint length, the source as in a snapshot
func (i Imports) AppendMemory(b []byte) []byte {
	appendWithLength := func(content []byte) {
		b = append(binary.AppendUvarint(b, uint64(len(content))), content...)
	}
	appendWithLength(i.appendList(nil, i.List))
	for _, source := range i.Sources {
		appendWithLength(i.appendSource(nil, source.Name, source.Ranges))
	}
	return b
}

// ReadMemory reads what AppendMemory appended, which must be all of data.
func ReadMemory(data []byte) (i Imports, err error) {
	c := &cursor{data: data}
	_, err = i.readList(c.bytes(c.uvarint()))
	for err == nil && c.more() {
		_, err = i.readSource(c.bytes(c.uvarint()))
	}
	return i, errors.Join(c.end(), err)
}

// areTold says whether there is anything to remember beside the list.
func (i *Imports) areTold() bool { return i.Sequence > 0 || len(i.Sources) > 0 }

// appendList encodes the list:
//
//	for each: fingerprint (16), uvarint milliseconds since 1970, uvarint documents
func (i *Imports) appendList(b []byte, list []Imported) []byte {
	for _, one := range list {
		b = append(b, one.Fingerprint[:]...)
		b = binary.AppendUvarint(b, uint64(one.At.UnixMilli()))
		b = binary.AppendUvarint(b, one.Documents)
	}
	return b
}

func (i *Imports) readList(content []byte) (uint64, error) {
	c := &cursor{data: content}
	for c.more() {
		var one Imported
		copy(one.Fingerprint[:], c.bytes(uint64(len(one.Fingerprint))))
		one.At = time.UnixMilli(int64(c.uvarint()))
		one.Documents = c.uvarint()
		i.List = append(i.List, one)
	}
	return 0, c.end()
}

// appendSource encodes some ranges of a source, and what there is to say of all
// sources:
//
//	uvarint commit of the last import, uvarint events after it
//	uvarint imports at the beginning of the list that tell of no ranges
//	uvarint length of the name, name
//	then for each range: first (12), last (12), uvarint documents, sum (16)
func (i *Imports) appendSource(b []byte, name string, ranges []ImportRange) []byte {
	b = binary.AppendUvarint(b, i.Sequence)
	b = binary.AppendUvarint(b, i.Events)
	b = binary.AppendUvarint(b, uint64(i.Untold))
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	for _, r := range ranges {
		b = append(append(b, r.First[:]...), r.Last[:]...)
		b = binary.AppendUvarint(b, r.Documents)
		b = append(b, r.Sum[:]...)
	}
	return b
}

func (i *Imports) readSource(content []byte) (uint64, error) {
	c := &cursor{data: content}
	sequence, events, untold := c.uvarint(), c.uvarint(), c.uvarint()
	if untold > uint64(len(i.List)) {
		c.fail("more imports without ranges than imports")
		return 0, c.err
	}
	i.Sequence, i.Events, i.Untold = sequence, events, int(untold)
	name := string(c.bytes(c.uvarint()))
	if name == "" && !c.more() {
		return 0, c.end() // there is no source
	}
	source := i.source(name)
	for c.more() {
		var r ImportRange
		copy(r.First[:], c.bytes(uint64(len(r.First))))
		copy(r.Last[:], c.bytes(uint64(len(r.Last))))
		r.Documents = c.uvarint()
		copy(r.Sum[:], c.bytes(uint64(len(r.Sum))))
		source.Ranges = append(source.Ranges, r)
	}
	return 0, c.end()
}

// source is the one of a name, which goes on where a section before has begun it.
func (i *Imports) source(name string) *ImportSource {
	if last := len(i.Sources) - 1; last >= 0 && i.Sources[last].Name == name {
		return &i.Sources[last]
	}
	i.Sources = append(i.Sources, ImportSource{Name: name})
	return &i.Sources[len(i.Sources)-1]
}

const (
	// importsPerSection and rangesPerSection keep a section below maxSection.
	importsPerSection = 8 << 10
	rangesPerSection  = 8 << 10
)

// imports writes what is remembered. A directory without imports, or with those of
// programs that remembered no ranges, has one section of the older type.
func (w *sectionWriter) imports(i *Imports) error {
	if len(i.List) == 0 {
		if err := w.section(sectionImports, nil); err != nil {
			return err
		}
	}
	for list := range slices.Chunk(i.List, importsPerSection) {
		if err := w.section(sectionImports, i.appendList(nil, list)); err != nil {
			return err
		}
	}
	if !i.areTold() {
		return nil
	}
	sources := i.Sources
	if len(sources) == 0 {
		sources = []ImportSource{{}}
	}
	for _, source := range sources {
		if err := w.importSource(i, source); err != nil {
			return err
		}
	}
	return nil
}

// importSource writes at least one section, also for no ranges.
func (w *sectionWriter) importSource(i *Imports, source ImportSource) error {
	for rest := source.Ranges; ; {
		n := min(len(rest), rangesPerSection)
		if err := w.section(sectionSources, i.appendSource(nil, source.Name, rest[:n])); err != nil {
			return err
		}
		if rest = rest[n:]; len(rest) == 0 {
			return nil
		}
	}
}
