package snapshot

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"time"

	"stats-recorder/counters"
)

// A snapshot is a file of sections, see sections.go. Its header:
//
//	magic    "SRSNAP\r\n"
//	flags    bit 0: the commits after this one are in a journal
//	number   sequence number of the last commit in it
//	other    when it was written, milliseconds since 1970, for people
//
// Its sections, in this order: names of benefits and of event types, the days
// that are closed, their positions together, then for each open day its
// positions and its hours.
const (
	snapshotMagic = "SRSNAP\r\n"
	flagJournaled = 1 << 0
)

// snapshotHeader is what a snapshot says of itself.
type snapshotHeader struct {
	sequence  uint64
	journaled bool
	written   time.Time
}

func (h snapshotHeader) encode() []byte {
	return appendFileHeader(nil, snapshotMagic, h.flags(), h.sequence, uint64(h.written.UnixMilli()))
}

func (h snapshotHeader) flags() uint32 {
	if h.journaled {
		return flagJournaled
	}
	return 0
}

func decodeSnapshotHeader(b []byte) snapshotHeader {
	return snapshotHeader{
		journaled: binary.LittleEndian.Uint32(b[12:])&flagJournaled != 0,
		sequence:  binary.LittleEndian.Uint64(b[16:]),
		written:   time.UnixMilli(int64(binary.LittleEndian.Uint64(b[24:]))),
	}
}

// snapshotContent is what goes into a snapshot.
type snapshotContent struct {
	header snapshotHeader
	store  *counters.Store
	frozen *counters.Frozen
	// closing are open days that this snapshot counts to the past, because the
	// manifest has them.
	closing  []counters.Day
	manifest *manifest
	pacer    *pacer // nil when there is no time to rest
}

// write writes a snapshot into a new file. It does not sync.
func (s snapshotContent) write(file *os.File) error {
	w, err := newSectionWriter(file, "snapshot", s.header.encode())
	if err != nil {
		return err
	}
	defer w.encoder.Close()
	if err := w.names(sectionBenefits, s.store.Benefits.Names()[:s.frozen.Benefits]); err != nil {
		return err
	}
	if err := w.names(sectionEvents, s.store.Events.Names()[:s.frozen.Events]); err != nil {
		return err
	}
	if err := w.segments(s.manifest); err != nil {
		return err
	}
	if err := w.section(sectionImports, appendImports(nil, s.manifest.imports)); err != nil {
		return err
	}
	past := func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
		return s.frozen.Past(benefit, s.closing, dst)
	}
	if _, err := w.columns(sectionPast, 0, s.frozen.Benefits, s.paced(past)); err != nil {
		return err
	}
	return s.writeDays(w)
}

// paced rests before a benefit is read, if it is time to.
func (s snapshotContent) paced(read cellReader) cellReader {
	return func(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
		s.pacer.breathe()
		return read(benefit, dst)
	}
}

func (s snapshotContent) writeDays(w *sectionWriter) error {
	var positions, hours uint64
	for _, day := range s.frozen.Days() {
		if slices.Contains(s.closing, day) {
			continue
		}
		sum, err := w.columns(sectionPositions, day, s.frozen.Benefits, s.paced(s.frozen.PositionsOf(day)))
		if err != nil {
			return err
		}
		positions += sum
		if sum, err = w.columns(sectionHours, day, s.frozen.Benefits, s.paced(s.frozen.HoursOf(day))); err != nil {
			return err
		}
		hours += sum
	}
	return w.end(positions, hours)
}

// loadedSnapshot is what a snapshot says beside its counts.
type loadedSnapshot struct {
	header   snapshotHeader
	manifest *manifest
}

// readSnapshot loads a snapshot into an empty store, which is of no use when
// an error is returned.
func readSnapshot(path string, store *counters.Store) (loadedSnapshot, error) {
	loaded, err := readSnapshotInto(path, store, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell, kind uint32) error {
		switch kind {
		case sectionPositions:
			return store.RestorePositions(day, benefit, cells)
		case sectionHours:
			return store.RestoreHours(day, benefit, cells)
		default:
			return store.RestorePast(benefit, cells)
		}
	})
	if err == nil {
		err = nameMatches(path, loaded.header)
	}
	return loaded, err
}

// checkSnapshot reads a snapshot as readSnapshot does, and forgets the counts.
func checkSnapshot(path string) (loadedSnapshot, error) {
	loaded, err := checkSnapshotContent(path, nil)
	if err == nil {
		err = nameMatches(path, loaded.header)
	}
	return loaded, err
}

// checkSnapshotContent is checkSnapshot for a file that has not its name yet. It
// rests as its pacer, which may be nil, says.
func checkSnapshotContent(path string, pacer *pacer) (loadedSnapshot, error) {
	names := counters.NewStore(counters.WhenDurable)
	return readSnapshotInto(path, names, func(counters.Day, counters.Benefit, []counters.Cell, uint32) error {
		pacer.breathe()
		return nil
	})
}

// readManifest reads only which days a snapshot says are closed.
func readManifest(path string) (loadedSnapshot, error) {
	loaded := loadedSnapshot{manifest: &manifest{}}
	handlers := sectionHandlers{
		sectionBenefits: nil, sectionEvents: nil, sectionPast: nil, sectionPositions: nil, sectionHours: nil,
		sectionSegments:    loaded.readSegments,
		sectionSegmentRows: loaded.readSegmentRows,
		sectionImports:     loaded.readImports,
	}
	err := readSections(path, snapshotMagic, loaded.begin, handlers, 0)
	return loaded, errors.Join(err, nameMatches(path, loaded.header))
}

func readSnapshotInto(path string, names *counters.Store,
	visit func(counters.Day, counters.Benefit, []counters.Cell, uint32) error) (loadedSnapshot, error) {
	loaded := loadedSnapshot{manifest: &manifest{}}
	columns := func(kind uint32) sectionHandler {
		return func(content []byte) (uint64, error) {
			return readColumns(content, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
				return visit(day, benefit, cells, kind)
			})
		}
	}
	handlers := sectionHandlers{
		sectionBenefits:    restoreNamesHandler(names.Benefits),
		sectionEvents:      restoreNamesHandler(names.Events),
		sectionSegments:    loaded.readSegments,
		sectionSegmentRows: loaded.readSegmentRows,
		sectionImports:     loaded.readImports,
		sectionPast:        columns(sectionPast),
		sectionPositions:   columns(sectionPositions),
		sectionHours:       columns(sectionHours),
	}
	err := readSections(path, snapshotMagic, loaded.begin, handlers, 0)
	return loaded, err
}

func (l *loadedSnapshot) begin(header []byte) error {
	l.header = decodeSnapshotHeader(header)
	return nil
}

func restoreNamesHandler(directory *counters.Directory) sectionHandler {
	return func(content []byte) (uint64, error) {
		return 0, restoreNames(&cursor{data: content}, directory)
	}
}
