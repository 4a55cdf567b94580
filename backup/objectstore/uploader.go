package objectstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"stats-recorder/backup"
	"stats-recorder/counters"
	"stats-recorder/snapshot/recovery"
)

// What ends an Uploader: nothing is uploaded any more.
var (
	// ErrForeign means that another directory is backed up at the same place.
	ErrForeign = errors.New("another data directory is backed up at this place in object storage; give each its own prefix")
	// ErrTaken means that a server has begun later that was restored from here.
	ErrTaken = errors.New("a newer server backs up the same directory at this place in object storage; one of the two must end")
)

// When a snapshot is uploaded, and not only the journal after the last one: once that is
// as large as the snapshot, and at least now and then for what is in snapshots alone.
const (
	leastJournal  = 1 << 20
	snapshotEvery = 15 * time.Minute
)

// An Uploader uploads what a directory holds, round by round. It belongs to one goroutine.
type Uploader struct {
	store     *Store
	directory string
	kinds     counters.Kinds
	identity  string
	now       func() time.Time

	term   uint64
	writer string
	// last is what was uploaded last, and full when that began with a new snapshot.
	last     backup.Manifest
	full     time.Time
	journal  int64            // bytes of journal since the snapshot
	stored   map[string]bool  // keys of files that are there; nil before the first round
	manifest map[string]dated // those that were read or written, by key
}

// NewUploader returns one for a directory of an identity on which a server runs.
func NewUploader(store *Store, directory string, kinds counters.Kinds, identity string, now func() time.Time) *Uploader {
	return &Uploader{
		store: store, directory: directory, kinds: kinds, identity: identity, now: now,
		writer: rand.Text()[:16], manifest: map[string]dated{},
	}
}

// Claim makes sure that the place is this directory's, and begins a term of its own there
// with the next round. It returns ErrForeign, or what the storage says.
func (u *Uploader) Claim(ctx context.Context) error {
	entries, err := u.store.entries(ctx)
	if err != nil {
		return err
	}
	return u.claim(entries)
}

func (u *Uploader) claim(entries []entry) error {
	if err := u.checkForeign(entries); err != nil {
		return err
	}
	u.term = 1
	if len(entries) > 0 {
		u.term = entries[len(entries)-1].term + 1
	}
	return nil
}

func (u *Uploader) checkForeign(entries []entry) error {
	for _, e := range entries {
		if e.identity != u.identity {
			return fmt.Errorf("%w: that is %s, and this is %s", ErrForeign, e.identity, u.identity)
		}
	}
	return nil
}

// Round uploads what is new since the last round. It returns how many bytes that took; 0
// where nothing is new. After ErrForeign and ErrTaken none need follow; after another
// error, the next has what this one lacks.
func (u *Uploader) Round(ctx context.Context) (bytes int64, err error) {
	entries, err := u.store.entries(ctx)
	if err != nil {
		return 0, err
	}
	if err := u.checkPlace(entries); err != nil {
		return 0, err
	}
	if u.stored == nil {
		if err := u.listFiles(ctx); err != nil {
			return 0, err
		}
	}
	held, err := u.hold()
	if errors.Is(err, backup.ErrNothing) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer held.Close()
	if held.Manifest.Commit == u.last.Commit && slices.Equal(namesOf(held.Manifest), namesOf(u.last)) {
		return 0, nil
	}
	if bytes, err = u.upload(ctx, held); err != nil {
		return bytes, err
	}
	return bytes, u.removeOutdated(ctx, entries)
}

// checkPlace makes sure that nobody else has come, and claims the place where that could
// not be done before.
func (u *Uploader) checkPlace(entries []entry) error {
	if u.term == 0 {
		return u.claim(entries)
	}
	if err := u.checkForeign(entries); err != nil {
		return err
	}
	for _, e := range entries {
		if e.term > u.term || (e.term == u.term && e.writer > u.writer) {
			return fmt.Errorf("%w: its term is %d, and this one's %d", ErrTaken, e.term, u.term)
		}
	}
	return nil
}

func (u *Uploader) listFiles(ctx context.Context) error {
	keys, err := u.store.bucket.List(ctx, filesPrefix)
	if err != nil {
		return err
	}
	u.stored = map[string]bool{}
	for _, key := range keys {
		u.stored[key] = true
	}
	return nil
}

// hold holds the journal since the last round, or all that is there now.
func (u *Uploader) hold() (*backup.Held, error) {
	now := u.now()
	if u.last.Commit > 0 && u.journal < max(leastJournal, sizeOfSnapshot(u.last)) && now.Sub(u.full) < snapshotEvery {
		held, err := backup.HoldSince(u.directory, u.last, now)
		if err == nil || !errors.Is(err, recovery.ErrJournalGap) {
			return held, err
		}
	}
	held, err := backup.HoldKnown(u.directory, u.kinds, u.last, now)
	if err == nil {
		u.full = now
	}
	return held, err
}

// upload stores the files that are new and then the manifest, with which they count.
func (u *Uploader) upload(ctx context.Context, held *backup.Held) (bytes int64, err error) {
	m := held.Manifest
	m.Files = slices.Clone(m.Files)
	u.journal = 0
	for i, file := range m.Files {
		key := objectOf(file)
		m.Files[i].Object = key
		if backup.IsJournal(file.Name) {
			u.journal += file.Bytes
		}
		if u.stored[key] {
			continue
		}
		content, err := held.Open(file.Name)
		if err != nil {
			return bytes, err
		}
		size, err := u.store.putFile(ctx, key, content)
		if err != nil {
			return bytes, err
		}
		bytes += size
		u.stored[key] = true
	}
	e := entry{term: u.term, writer: u.writer, commit: m.Commit, identity: u.identity}
	e.key = keyOf(e)
	if err := u.store.putManifest(ctx, e.key, m); err != nil {
		return bytes, err
	}
	u.last, u.manifest[e.key] = m, dated{e, m}
	return bytes, nil
}

// removeOutdated removes the manifests that need not stay, and then the files that none
// of those that stay names.
func (u *Uploader) removeOutdated(ctx context.Context, entries []entry) error {
	var all []dated
	for _, e := range entries {
		one, known := u.manifest[e.key]
		if !known {
			m, err := u.store.manifest(ctx, e.key)
			if err != nil {
				return err
			}
			one = dated{e, m}
			u.manifest[e.key] = one
		}
		all = append(all, one)
	}
	newest := u.manifest[keyOf(entry{term: u.term, writer: u.writer, commit: u.last.Commit, identity: u.identity})]
	all = slices.DeleteFunc(all, func(one dated) bool { return one.key == newest.key })
	all = append(all, newest)
	kept := thin(all)
	if len(kept) == len(all) {
		return nil
	}
	// A newer server may have come meanwhile, which relies on files that are there.
	if entries, err := u.store.entries(ctx); err != nil {
		return err
	} else if err := u.checkPlace(entries); err != nil {
		return err
	}
	for _, one := range all {
		if !slices.ContainsFunc(kept, func(other dated) bool { return other.key == one.key }) {
			if err := u.store.bucket.Remove(ctx, one.key); err != nil {
				return err
			}
			delete(u.manifest, one.key)
		}
	}
	return u.removeFiles(ctx, kept)
}

func (u *Uploader) removeFiles(ctx context.Context, kept []dated) error {
	named := map[string]bool{}
	for _, one := range kept {
		for _, file := range one.manifest.Files {
			named[file.Object] = true
		}
	}
	for key := range u.stored {
		if !named[key] {
			if err := u.store.bucket.Remove(ctx, key); err != nil {
				return err
			}
			delete(u.stored, key)
		}
	}
	return nil
}

func namesOf(m backup.Manifest) (names []string) {
	for _, file := range m.Files {
		names = append(names, file.Name)
	}
	return names
}

func sizeOfSnapshot(m backup.Manifest) (bytes int64) {
	for _, file := range m.Files {
		if backup.IsSnapshot(file.Name) {
			bytes += file.Bytes
		}
	}
	return bytes
}
