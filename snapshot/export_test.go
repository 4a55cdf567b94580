package snapshot

import (
	"encoding/binary"
	"os"
	"time"

	"stats-recorder/counters"
)

// All that the tests need of the inside of this package, in one place.

// Loaded is the state that a directory holds.
type Loaded struct {
	Store    *counters.Store
	History  *History
	Recovery Recovery
}

// Load finds what Open would find, and changes nothing.
func Load(directory string) (Loaded, error) {
	r := &recoverer{directory: directory, visibility: counters.WhenDurable}
	if err := r.run(); err != nil {
		return Loaded{}, err
	}
	return Loaded{r.store, newHistory(directory, r.store, r.manifest), r.Recovery}, nil
}

// Journal appends frames as a keeper does, but with any numbers.
type Journal struct {
	writer           *journalWriter
	benefits, events int
}

// NewJournal begins the file for the frames from sequence on.
func NewJournal(directory string, sequence uint64) (*Journal, error) {
	writer, err := createJournal(directory, sequence)
	return &Journal{writer: writer}, err
}

// Append writes a delta of the store as a frame.
func (j *Journal) Append(sequence, durable uint64, store *counters.Store, delta *counters.Delta) error {
	err := j.writer.write(sequence, durable, func(b []byte) []byte {
		return EncodeFrame(b, store, delta, j.benefits, j.events)
	})
	j.benefits, j.events = delta.Benefits, delta.Events
	return err
}

// AppendPayload writes a frame with any payload.
func (j *Journal) AppendPayload(sequence, durable uint64, payload []byte) error {
	return j.writer.write(sequence, durable, func(b []byte) []byte { return append(b, payload...) })
}

// Close closes the file.
func (j *Journal) Close() error { return j.writer.close() }

// EncodeFrame appends the payload of a frame to b.
func EncodeFrame(b []byte, store *counters.Store, delta *counters.Delta, knownBenefits, knownEvents int) []byte {
	return appendPayload(b, delta, store.Benefits.Names()[:delta.Benefits], store.Events.Names()[:delta.Events], knownBenefits, knownEvents)
}

// DecodeFrame adds the payload of a frame to a store.
func DecodeFrame(payload []byte, store *counters.Store) error {
	return readPayload(payload, replaySink(store))
}

// EncodeSnapshot writes the base of a store, whose days are all open, to a file.
func EncodeSnapshot(file *os.File, sequence uint64, store *counters.Store) error {
	frozen := store.Freeze()
	defer frozen.Thaw()
	header := snapshotHeader{sequence: sequence, journaled: true, written: time.UnixMilli(0)}
	return snapshotContent{header: header, store: store, frozen: frozen, manifest: &manifest{}}.write(file)
}

// DecodeSnapshot loads a snapshot into an empty store.
func DecodeSnapshot(path string, store *counters.Store) error {
	_, err := readSnapshot(path, store)
	return err
}

// Section is the type and the inflated content of a section.
type Section struct {
	Type    uint32
	Content []byte
}

// The types of sections that a snapshot without closed days has.
const (
	SectionBenefits  = sectionBenefits
	SectionEvents    = sectionEvents
	SectionPositions = sectionPositions
	SectionHours     = sectionHours
	SectionPast      = sectionPast
	SectionSegments  = sectionSegments
	SectionEnd       = sectionEnd
	MaxSection       = maxSection
)

// WriteSections writes a snapshot of any sections.
func WriteSections(file *os.File, sequence uint64, sections []Section) error {
	w, err := newSectionWriter(file, "snapshot", snapshotHeader{sequence: sequence, journaled: true, written: time.UnixMilli(0)}.encode())
	if err != nil {
		return err
	}
	defer w.encoder.Close()
	for _, s := range sections {
		if err := w.section(s.Type, s.Content); err != nil {
			return err
		}
	}
	return nil
}

// SealSnapshot makes the checksums of a snapshot right, as far as its lengths
// lead, so that what is wrong in it is found by nothing but sense.
func SealSnapshot(data []byte) {
	if len(data) < fileHeaderSize {
		return
	}
	binary.LittleEndian.PutUint32(data[fileHeaderSize-4:], checksum(data[:fileHeaderSize-4]))
	fileSum := binary.LittleEndian.Uint32(data[fileHeaderSize-4:])
	rest := data[fileHeaderSize:]
	for number := uint64(0); len(rest) >= sectionHeaderSize; number++ {
		stored := uint64(binary.LittleEndian.Uint32(rest[8:]))
		if stored > uint64(len(rest)-sectionHeaderSize) {
			return
		}
		end := sectionHeaderSize + stored
		binary.LittleEndian.PutUint32(rest[12:], checksum(rest[sectionHeaderSize:end]))
		binary.LittleEndian.PutUint32(rest[16:], sectionChecksum(fileSum, number, rest))
		rest = rest[end:]
	}
}

// SealJournal does the same for a journal file, and gives its frames the salt
// of the header and sequence numbers in order.
func SealJournal(data []byte) {
	if len(data) < journalHeaderSize {
		return
	}
	previous := checksum(data[:journalHeaderSize-4])
	binary.LittleEndian.PutUint32(data[journalHeaderSize-4:], previous)
	sequence := binary.LittleEndian.Uint64(data[20:])
	rest := data[journalHeaderSize:]
	for ; len(rest) >= frameHeaderSize; sequence++ {
		end := frameHeaderSize + uint64(binary.LittleEndian.Uint32(rest))
		if end > uint64(len(rest)) {
			return
		}
		copy(rest[8:16], data[12:20])
		binary.LittleEndian.PutUint64(rest[16:], sequence)
		binary.LittleEndian.PutUint32(rest[32:], previous)
		previous = checksum(rest[:4], rest[8:end])
		binary.LittleEndian.PutUint32(rest[4:], previous)
		rest = rest[end:]
	}
}

// ReadNames, ReadColumns and ReadSpan decode contents on their own.
func ReadNames(content []byte, directory *counters.Directory) error {
	return restoreNames(&cursor{data: content}, directory)
}

func ReadColumns(content []byte, visit func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error) {
	return readColumns(content, visit)
}

func ReadSpan(content []byte, visit func(counters.Hour, counters.Benefit, []counters.Cell) error) error {
	return readSpan(content, visit)
}

// GroupWait is what decides how many batches a commit waits for, without its timer.
type GroupWait struct{ wait *groupWait }

// NewGroupWait begins to decide for a store.
func NewGroupWait(store *counters.Store) GroupWait { return GroupWait{newGroupWait(store)} }

// Committed says that there was a commit of so many batches.
func (w GroupWait) Committed(batches int) { w.wait.begin(batches) }

// RunOut says that the time is over which the timer was set to.
func (w GroupWait) RunOut() { w.wait.advance() }
