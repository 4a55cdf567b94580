package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"stats-recorder/cluster"
	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

// What keeps an import from a directory that counts with others, beside what keeps it
// from any.
var (
	// ErrTooManyToTell means that there are more counters than one import may tell of.
	ErrTooManyToTell = fmt.Errorf("one import can tell other nodes of %d counters, a counter being what was shown or done at one position in one hour: "+
		"import the documents of some months at a time", mostTold)
	// ErrAnother means that an earlier import is not whole here.
	ErrAnother = errors.New("an earlier import is not whole here yet: import the same again on this node or on any other one, or wait for the node on which it was made")
	// ErrToldBefore means that all nodes have the same counts of an earlier import.
	ErrToldBefore = errors.New("the log has an import of the very same counts already, and could not tell both apart")
	// ErrOtherEvents means that there are event types without a number of their own.
	ErrOtherEvents = fmt.Errorf("the documents have event types for which the nodes have no room: together they have at most %d", counters.MaxEventTypes)
	// ErrImportUnknown means that an announcement is missing in the directory.
	ErrImportUnknown = errors.New("the directory does not know all imports of other nodes yet: start its node until it is ready")
)

const (
	// mostTold bounds the memory of an import that is told, at some 50 bytes each.
	mostTold = 8_000_000
	// leastGathered is how many documents are not worth being added up.
	leastGathered = 2_000_000
)

// A toldImport is the part of an Import into a directory that counts with others. What
// is added is not counted here: it becomes frames, which all nodes merge alike, this
// one among them.
type toldImport struct {
	directory string
	known     *cluster.Membership
	// unfinished is the import that is not whole here, nil for none. No other one is
	// possible before it is.
	unfinished *cluster.Import

	mu      sync.Mutex
	counted counters.Gathering
	// most is how many counters there may be, and room how long what is gathered may be before
	// it is added up.
	most, room int
}

// newTold is for what is known of the log. It returns what was imported as well: what the
// manifest says, and what was announced and is whole.
func newTold(directory string, known *cluster.Membership, before Imports) (*toldImport, Imports, error) {
	told := &toldImport{directory: directory, known: known, most: mostTold, room: leastGathered}
	if unfinished := known.Unfinished(); len(unfinished) > 0 {
		told.unfinished = &unfinished[0]
	}
	all, err := allImports(known, before, known.IsWhole)
	return told, all, err
}

// allImports are those that a manifest remembers and those that were announced, as far as
// they are chosen.
func allImports(known *cluster.Membership, before Imports, isChosen func(cluster.Import) bool) (Imports, error) {
	for _, announced := range known.Imports {
		if !isChosen(announced) {
			continue
		}
		memory, err := format.ReadMemory(announced.Memory)
		if err != nil {
			return Imports{}, fmt.Errorf("import %d of the log: %w", announced.Number, err)
		}
		before = before.With(memory)
	}
	return before, nil
}

// IsTold says whether the directory counts with others. Then Count takes counts, Tell ends the
// import, and the Store has the names of what is added, and nothing else.
func (i *Import) IsTold() bool { return i.told != nil }

// Log is the epoch of the log that the directory counts with; empty for none.
func (i *Import) Log() string {
	if i.told == nil {
		return ""
	}
	return i.told.known.Covered.Position.Epoch.String()
}

// Shares says whether a directory of this identity has told the log of something, so that
// what it has counted is here.
func (i *Import) Shares(identity string) bool {
	if i.told == nil {
		return false
	}
	origin, err := cluster.ParseOrigin(identity)
	return err == nil && i.told.known.Covered.Highest(origin) > 0
}

// Count adds counts of one hour by the numbers of Store, from within Add.
func (i *Import) Count(hour counters.Hour, benefit counters.Benefit, cells []counters.Cell) error {
	switch {
	case i.told == nil:
		return i.store.Replay(hour, benefit, cells)
	case i.isRehearsal():
		return nil
	}
	i.told.mu.Lock()
	defer i.told.mu.Unlock()
	i.told.counted.AddCells(hour, benefit, cells)
	return nil
}

// CountUndated adds counts of no known day by the numbers of Store, from within Add.
func (i *Import) CountUndated(benefit counters.Benefit, cells []counters.Cell) error {
	return i.Count(counters.Undated, benefit, cells)
}

// checkSize returns ErrTooManyToTell.
func (t *toldImport) checkSize() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counted.Len() <= t.room {
		return nil
	}
	t.counted.AddUp()
	if t.counted.Len() > t.most {
		return ErrTooManyToTell
	}
	t.room = max(leastGathered, 2*t.counted.Len())
	return nil
}

// Tell has what was added wait for the node that runs on the directory next, which
// announces it in the log with what others are to remember, and counts it. Until it
// returns nil, or the process ends at a late moment, nothing has happened. A rehearsal
// finds out what would keep it from that, as far as it can.
func (i *Import) Tell(memory Imports) error {
	t := i.told
	if i.store.OtherEvents() > 0 {
		return ErrOtherEvents
	}
	if err := t.check(); err != nil || i.isRehearsal() {
		return err
	}
	payloads, err := t.payloads(i.store)
	if err != nil {
		return err
	}
	announced, err := t.announced(payloads, memory)
	if err != nil {
		return err
	}
	return saveWaiting(t.directory, framesOf(announced, payloads))
}

func (t *toldImport) check() error {
	if t.known.Covered.Highest(cluster.ImportsOrigin) != t.known.Covered.UpTo(cluster.ImportsOrigin) {
		return ErrImportUnknown
	}
	return checkNothingWaits(t.directory)
}

// payloads are what was added, as others can read it. They are the same for the same
// counts, in whatever order these came.
func (t *toldImport) payloads(store *counters.Store) ([][]byte, error) {
	benefits, benefitNumbers := inOrderOfNames(store.Benefits.Names())
	events, eventNumbers := inOrderOfNames(store.Events.Names())
	spans := t.counted.SpansAs(func(entry counters.Entry) counters.Entry {
		return entry.Renumbered(counters.Benefit(benefitNumbers[entry.Benefit()]), counters.EventType(eventNumbers[entry.Key().Event()-1]+1))
	})
	return format.PortablesOfSpans(spans, nil, benefits, events)
}

// inOrderOfNames are names in order, and what their numbers are in that, by those they had.
func inOrderOfNames(names []string) (ordered []string, numbers []int) {
	ordered = slices.Sorted(slices.Values(names))
	for _, name := range names {
		number, _ := slices.BinarySearch(ordered, name)
		numbers = append(numbers, number)
	}
	return ordered, numbers
}

// announced is the import that is made of payloads: a new one, or the rest of one that is
// not whole.
func (t *toldImport) announced(payloads [][]byte, memory Imports) (cluster.Import, error) {
	made := cluster.Import{
		Number: t.known.Covered.UpTo(cluster.ImportsOrigin) + 1,
		Origin: originOf(payloads), Frames: uint64(len(payloads)), Memory: memory.AppendMemory(nil),
	}
	for _, before := range t.known.Imports {
		if before.Origin == made.Origin && t.known.IsWhole(before) {
			return made, ErrToldBefore
		}
	}
	switch {
	case t.unfinished == nil:
		return made, nil
	case t.unfinished.Origin != made.Origin:
		return made, ErrAnother
	}
	return *t.unfinished, nil
}

// originOf is the origin of frames with such payloads, and no others.
func originOf(payloads [][]byte) cluster.Origin {
	sum := sha256.New()
	sum.Write(binary.LittleEndian.AppendUint16(nil, cluster.NewestFormat))
	for _, payload := range payloads {
		sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(payload))))
		sum.Write(payload)
	}
	return cluster.Origin(sum.Sum(nil)[:16])
}

// framesOf are the frame that announces an import and those that count it. Whoever makes
// them of the same makes the same.
func framesOf(announced cluster.Import, payloads [][]byte) []cluster.Frame {
	frames := []cluster.Frame{importFrame(cluster.ImportsOrigin, announced.Number, format.AppendImport(nil, announced))}
	for i, payload := range payloads {
		frames = append(frames, importFrame(announced.Origin, uint64(i)+1, payload))
	}
	return frames
}

func importFrame(origin cluster.Origin, sequence uint64, payload []byte) cluster.Frame {
	sum := sha256.Sum256(payload)
	return cluster.Frame{
		Origin: origin, Sequence: sequence, Nonce: binary.LittleEndian.Uint64(sum[:]),
		Format: cluster.NewestFormat, Payload: payload,
	}
}
