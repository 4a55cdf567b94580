package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// ErrNothing is returned for a directory that holds nothing to back up.
var ErrNothing = errors.New("there is nothing in the data directory to back up yet")

// How often the newest generation is looked for. A server removes a file only after two
// more snapshots, so that a second look is rare. What is wrong may only look so, because
// a directory is not listed at one moment.
const (
	mostAttempts  = 100
	leastAttempts = 3
)

// advice ends the error for a directory that is not whole.
const advice = "nothing was backed up; run `stats-recorder verify` on the directory, with the server stopped"

// A Held is a generation of a directory whose files are open and were checked. It holds
// everything that was on disk when Hold was called: with DURABILITY always or everysec
// all that was acknowledged by then. It stays what it is, whatever a server does.
type Held struct {
	Manifest Manifest
	files    []heldFile // as in the manifest
}

// heldFile is a file up to the size that counts. One that is known from before is not
// open, and its SHA-256 is there.
type heldFile struct {
	path    string
	content *os.File
	size    int64
	sum     string
}

func (f heldFile) reader() *io.SectionReader { return io.NewSectionReader(f.content, 0, f.size) }

// Hold finds the newest generation of a directory, on which a server may be running. It
// returns ErrNothing, or an error that says what of the directory is not as it must be.
func Hold(directory string, kinds counters.Kinds, now time.Time) (*Held, error) {
	return HoldKnown(directory, kinds, Manifest{}, now)
}

// HoldKnown is Hold for who has the closed days of an earlier generation already, which
// this process has held: those are in the manifest, but not read and not open.
func HoldKnown(directory string, kinds counters.Kinds, known Manifest, now time.Time) (*Held, error) {
	var err error
	for attempt := range mostAttempts {
		var held *Held
		if held, err = holdOnce(directory, kinds, known, now); err == nil {
			return held, nil
		}
		if attempt+1 >= leastAttempts && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if errors.Is(err, syscall.EMFILE) {
		return nil, fmt.Errorf("%w; each closed day takes one open file: raise the limit by ulimit -n", err)
	}
	if errors.Is(err, ErrNothing) {
		return nil, err
	}
	return nil, fmt.Errorf("%w; %s", err, advice)
}

// Close gives the files free.
func (h *Held) Close() error {
	var failures []error
	for _, file := range h.files {
		if file.content != nil {
			failures = append(failures, file.content.Close())
		}
	}
	return errors.Join(failures...)
}

// Open returns the content of a file that the manifest names, from its beginning, unless
// it was known before. Any number may be read at a time until Close.
func (h *Held) Open(name string) (io.Reader, error) {
	for i, file := range h.Manifest.Files {
		if file.Name == name && h.files[i].content != nil {
			return h.files[i].reader(), nil
		}
	}
	return nil, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
}

// holder is a Held in the making.
type holder struct {
	directory string
	kinds     counters.Kinds
	known     Manifest
	continues bool // whether only what is new since some commit is held

	importing                 []heldFile // one at most
	days, journals, snapshots []heldFile // in the order of their names
	identity                  format.Identity
	journaled                 bool
	last                      uint64 // the last commit so far
	damaged                   uint64 // the last commit of a snapshot that cannot be read
}

func holdOnce(directory string, kinds counters.Kinds, known Manifest, now time.Time) (held *Held, err error) {
	h := &holder{directory: directory, kinds: kinds, known: known, journaled: true}
	defer func() {
		if err != nil {
			err = errors.Join(err, (&Held{files: h.inOrder()}).Close())
		}
	}()
	if err := h.holdImporting(); err != nil {
		return nil, err
	}
	files, err := disk.List(directory)
	if err != nil {
		return nil, err
	}
	if len(files.Snapshots) == 0 && len(files.Journals) == 0 {
		return nil, fmt.Errorf("%q: %w", directory, ErrNothing)
	}
	if err := h.holdNewest(files.Snapshots); err != nil {
		return nil, err
	}
	if err := h.holdJournals(files.Journals); err != nil {
		return nil, err
	}
	if h.last < h.damaged {
		return nil, fmt.Errorf("%w: a snapshot up to %d cannot be read, and the journal ends with %d", recovery.ErrJournalGap, h.damaged, h.last)
	}
	return h.described(now)
}

// inOrder are the files in the order of a manifest. A start refuses days without their
// snapshot, and a journal without what comes before it.
func (h *holder) inOrder() []heldFile {
	journals := slices.Clone(h.journals)
	slices.Reverse(journals)
	return slices.Concat(h.importing, h.days, journals, h.snapshots)
}

// open opens a file, of which all that there is now counts.
func (h *holder) open(path string) (heldFile, error) {
	content, err := os.Open(path)
	if err != nil {
		return heldFile{}, fmt.Errorf("open %q: %w", path, err)
	}
	info, err := content.Stat()
	if err != nil {
		return heldFile{}, errors.Join(fmt.Errorf("stat %q: %w", path, err), content.Close())
	}
	return heldFile{path: path, content: content, size: info.Size()}, nil
}

// holdImporting holds the import that waits in the directory, if one does. It comes first: one
// that is gone by now is in what is held later.
func (h *holder) holdImporting() error {
	file, err := h.open(disk.ImportingPath(h.directory))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		h.importing = append(h.importing, file)
	}
	return err
}

// holdNewest holds the newest snapshot that can be read, if there is any, and its days.
func (h *holder) holdNewest(paths []string) error {
	var failures []error
	for _, path := range slices.Backward(paths) {
		manifest, err := h.holdSnapshot(path)
		if err == nil {
			return h.holdDays(manifest.Days)
		}
		if !recovery.IsDamage(err) || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		h.damaged = max(h.damaged, disk.SnapshotSequence(path))
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", recovery.ErrNoGoodSnapshot, errors.Join(failures...))
}

// holdSnapshot holds a snapshot, all of which is read.
func (h *holder) holdSnapshot(path string) (*format.Manifest, error) {
	file, err := h.open(path)
	if err != nil {
		return nil, err
	}
	header, manifest, err := format.ReadSnapshot(file.reader(), file.size, h.kinds, recovery.CheckingSink(h.kinds, func() {}))
	if err == nil && header.Sequence != disk.SnapshotSequence(path) {
		err = fmt.Errorf("at offset 16: %w: sequence number %d, the name says otherwise", format.ErrMalformed, header.Sequence)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("file %q %w", path, err), file.content.Close())
	}
	h.snapshots = append(h.snapshots, file)
	h.last, h.identity, h.journaled = header.Sequence, header.Identity, header.Journaled
	return manifest, nil
}

// holdDays holds the files of closed days, all of which are read.
func (h *holder) holdDays(days []format.ClosedDay) error {
	for _, closed := range days {
		path := recovery.DayPath(h.directory, closed)
		if known, found := h.known.file(filepath.Base(path)); found && known.Bytes == closed.Bytes {
			h.days = append(h.days, heldFile{path: path, size: known.Bytes, sum: known.SHA256})
			continue
		}
		file, err := h.open(path)
		if err != nil {
			return err
		}
		h.days = append(h.days, file)
		if file.size != closed.Bytes {
			return fmt.Errorf("file %q: %w: %d bytes, want %d", path, format.ErrMalformed, file.size, closed.Bytes)
		}
		if err := format.ReadDay(file.reader(), file.size, h.kinds, closed, recovery.EveryPartOf(h.kinds)); err != nil {
			return fmt.Errorf("file %q %w", path, err)
		}
	}
	return nil
}

// holdJournals holds the journal files with commits after the snapshot, up to the last
// good frame of each. What a server writes at this moment was not acknowledged yet.
func (h *holder) holdJournals(paths []string) error {
	var scans []*recovery.Scan
	var files []heldFile
	for i, path := range paths {
		if i+1 < len(paths) && disk.JournalSequence(paths[i+1]) <= h.last+1 {
			continue // all of it is in the snapshot
		}
		file, err := h.open(path)
		if err != nil {
			return err
		}
		files = append(files, file)
		scan, err := scanJournal(file)
		if err != nil {
			return errors.Join(err, (&Held{files: files}).Close())
		}
		scans = append(scans, scan)
	}
	for i, scan := range scans {
		if recovery.NeverDurable(scans[i:], h.last, h.identity) { // a start drops these
			return (&Held{files: files[i:]}).Close()
		}
		if err := h.follow(scan); err != nil {
			return errors.Join(err, (&Held{files: files[i:]}).Close())
		}
		if !h.isNeeded(scan) {
			if err := files[i].content.Close(); err != nil {
				return errors.Join(err, (&Held{files: files[i+1:]}).Close())
			}
			continue
		}
		files[i].size = scan.End
		h.journals = append(h.journals, files[i])
		h.last = max(h.last, scan.Last())
	}
	return nil
}

// isNeeded says whether a backup needs a journal file: for its commits, or to tell the
// identity of a directory that has nothing else yet.
func (h *holder) isNeeded(scan *recovery.Scan) bool {
	isOnly := !h.continues && len(h.snapshots)+len(h.journals) == 0 && !scan.Identity.IsZero()
	return isOnly || (len(scan.Frames) > 0 && scan.Last() > h.last)
}

func scanJournal(file heldFile) (*recovery.Scan, error) {
	data := make([]byte, file.size)
	if _, err := io.ReadFull(file.reader(), data); err != nil {
		return nil, fmt.Errorf("read %q: %w", file.path, err)
	}
	return recovery.ScanJournalData(file.path, data)
}

// follow makes sure that a journal file goes on where all before it ends.
func (h *holder) follow(scan *recovery.Scan) error {
	if h.identity.IsZero() {
		h.identity = scan.Identity
	}
	switch {
	case !scan.Identity.IsZero() && scan.Identity != h.identity:
		return fmt.Errorf("journal %q: %w: it is of %v, this one is %v", scan.Path, format.ErrForeign, scan.Identity, h.identity)
	case scan.First > h.last+1 && (len(scan.Frames) > 0 || h.journaled):
		return fmt.Errorf("journal %q: %w: it begins with %d, want %d", scan.Path, recovery.ErrJournalGap, scan.First, h.last+1)
	}
	return scan.Damage
}

// described reads all files again and says what they are.
func (h *holder) described(now time.Time) (*Held, error) {
	held := &Held{
		files:    h.inOrder(),
		Manifest: Manifest{Format: manifestFormat, Identity: h.identity.String(), Commit: h.last, Taken: now.UTC().Truncate(time.Second)},
	}
	for _, file := range held.files {
		described, err := file.described()
		if err != nil {
			return nil, err
		}
		held.Manifest.Files = append(held.Manifest.Files, described)
	}
	if len(h.importing) > 0 {
		held.Manifest.Format = importingFormat
	}
	return held, nil
}

// described reads a file and says what it is.
func (f heldFile) described() (File, error) {
	if f.content == nil {
		return File{Name: filepath.Base(f.path), Bytes: f.size, SHA256: f.sum}, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f.reader()); err != nil {
		return File{}, fmt.Errorf("read %q: %w", f.path, err)
	}
	return File{Name: filepath.Base(f.path), Bytes: f.size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}
