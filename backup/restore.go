package backup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
	"stats-recorder/snapshot/salvage"
)

// What a restore can be refused for.
var (
	// ErrNotEmpty is returned for a directory that holds counts already.
	ErrNotEmpty = errors.New("the data directory is not empty: a backup is restored into an empty one; name another by --data-dir, or move what is there away")
	// ErrNotWhole is returned for a backup that a server would not start with.
	ErrNotWhole = errors.New("the backup is not whole; nothing was restored")
)

const (
	// stagingName is the directory below the data directory in which a backup is unpacked
	// and verified. It lies there, and not beside, because a data directory is often a
	// mount, or the one place that the server may write to: neither can be renamed.
	stagingName = "restoring"
	// verifiedName is the file in it that says that everything is there and was verified.
	verifiedName = "VERIFIED"
)

// Restoring says where to restore to, and how.
type Restoring struct {
	// Directory is the data directory: one that is not there, or holds no counts.
	Directory string
	Kinds     counters.Kinds
}

// Restore restores a backup: all of it or, until it returns nil, nothing. It may be
// called again after a crash at any moment: then it ends what was begun, if that was
// verified already, whatever the source. It returns ErrNotEmpty, ErrNotWhole,
// disk.ErrLocked, or an error of the source. The directory keeps the identity of the one
// that was backed up.
func Restore(source Source, r Restoring) (m Manifest, err error) {
	if err := disk.MakeDirectory(r.Directory); err != nil {
		return Manifest{}, err
	}
	lock, err := disk.Lock(r.Directory)
	if err != nil {
		return Manifest{}, err
	}
	defer func() { err = errors.Join(err, disk.Unlock(lock)) }()
	staging := filepath.Join(r.Directory, stagingName)
	if m, err := verified(staging); err == nil {
		return m, resume(r.Directory, staging, m)
	} else if !errors.Is(err, os.ErrNotExist) {
		return Manifest{}, err
	}
	if err := checkEmpty(r.Directory); err != nil {
		return Manifest{}, err
	}
	if m, err = stage(source, r, staging); err != nil {
		return Manifest{}, errors.Join(err, disk.RemoveAside(staging))
	}
	if err := removeUncounted(r.Directory, m); err != nil {
		return Manifest{}, err
	}
	return m, switchTo(r.Directory, staging, m)
}

// Check reads and verifies a backup as Restore does, in a temporary directory, and
// changes nothing.
func Check(source Source, kinds counters.Kinds) (m Manifest, err error) {
	temporary, err := os.MkdirTemp("", "stats-recorder-check")
	if err != nil {
		return Manifest{}, fmt.Errorf("make a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	return stage(source, Restoring{Directory: temporary, Kinds: kinds}, filepath.Join(temporary, stagingName))
}

// IsEmpty says whether a data directory is not there or holds no counts, so that a
// backup can be restored into it.
func IsEmpty(directory string) (bool, error) {
	err := checkEmpty(directory)
	switch {
	case errors.Is(err, ErrNotEmpty):
		return false, nil
	case errors.Is(err, os.ErrNotExist):
		return true, nil
	}
	return err == nil, err
}

// IsInterrupted says whether a restore into a directory was verified and did not come to
// its end: Restore must be called again before a server may start.
func IsInterrupted(directory string) bool {
	staging := filepath.Join(directory, stagingName)
	m, err := verified(staging)
	return err == nil && slices.ContainsFunc(m.Files, func(file File) bool {
		_, err := os.Lstat(filepath.Join(staging, file.Name))
		return err == nil
	})
}

// checkEmpty looks for what is ours by its name. What else lies in a directory, such as
// lost+found on a disk of its own, is never touched. What a server left that counted
// nothing is as good as nothing: a package starts one as soon as it is installed.
func checkEmpty(directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return fmt.Errorf("read directory %q: %w", directory, err)
	}
	var found []string
	for _, entry := range entries {
		name := strings.TrimSuffix(strings.TrimSuffix(entry.Name(), ".tmp"), ".damaged")
		isOurs := disk.IsDataFile(name) || strings.HasPrefix(name, "before-")
		if isOurs && !heldNothing(filepath.Join(directory, entry.Name())) {
			found = append(found, entry.Name())
		}
	}
	switch more := len(found) - 1; {
	case more < 0:
		return nil
	case more == 0:
		return fmt.Errorf("%q: %w; there is %s", directory, ErrNotEmpty, found[0])
	default:
		return fmt.Errorf("%q: %w; there is %s, and %d more", directory, ErrNotEmpty, found[0], more)
	}
}

// heldNothing says of a file whether it is a journal that is read without doubt, and into
// which nothing was ever written: neither into this one nor into one before it.
func heldNothing(path string) bool {
	if disk.JournalSequence(path) != 1 {
		return false
	}
	scan, err := recovery.ScanJournal(path)
	return err == nil && scan.Damage == nil && !scan.Identity.IsZero() && len(scan.Frames) == 0 && scan.Tail == 0
}

// removeUncounted removes what a server left that counted nothing. What a restore has
// moved there has the identity of the backup and stays.
func removeUncounted(directory string, m Manifest) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	for _, path := range files.Journals {
		identity := recovery.IdentityOf(disk.Contents{Journals: []string{path}})
		if !heldNothing(path) || identity.String() == m.Identity {
			continue
		}
		if err := disk.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// stage unpacks and verifies a backup in a new directory.
func stage(source Source, r Restoring, staging string) (m Manifest, err error) {
	if err := disk.MakeAside(staging); err != nil {
		return Manifest{}, err
	}
	err = source.read(func(read Manifest) error {
		m = read
		return nil
	}, func(file File, content io.Reader) error {
		return disk.WriteNew(filepath.Join(staging, file.Name), "restore", func(output io.Writer) error {
			return copyChecked(output, file, content)
		})
	})
	if err == nil {
		err = disk.SyncDirectory(staging)
	}
	if err == nil {
		err = verify(staging, m, r.Kinds)
	}
	if err == nil {
		err = describe(staging, m)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("restore from %s: %w", source.Name, err)
	}
	return m, nil
}

// verify makes sure that a server starts with all that a backup says it holds.
func verify(staging string, m Manifest, kinds counters.Kinds) error {
	report, err := salvage.Verify(staging, kinds)
	if err != nil {
		return err
	}
	files, err := disk.List(staging)
	if err != nil {
		return err
	}
	identity := recovery.IdentityOf(files).String()
	switch {
	case report.Missing != nil:
		return fmt.Errorf("%w: %w", ErrNotWhole, report.Missing)
	case report.Recovery.Sequence != m.Commit:
		return fmt.Errorf("%w: it ends with commit %d, want %d", ErrNotWhole, report.Recovery.Sequence, m.Commit)
	case identity != m.Identity:
		return fmt.Errorf("%w: it is of directory %s, want %s", ErrNotWhole, identity, m.Identity)
	}
	return nil
}

// describe says in a directory what it holds, and that this was verified.
func describe(staging string, m Manifest) error {
	text, err := m.Encode()
	if err != nil {
		return err
	}
	err = disk.WriteNew(filepath.Join(staging, ManifestName), "restore", func(output io.Writer) error {
		_, err := output.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(disk.SyncDirectory(staging), disk.Mark(filepath.Join(staging, verifiedName)))
}

// verified returns what a restore was about to switch to when it was interrupted, or
// os.ErrNotExist.
func verified(staging string) (Manifest, error) {
	if _, err := os.Stat(filepath.Join(staging, verifiedName)); err != nil {
		return Manifest{}, err
	}
	text, err := os.ReadFile(filepath.Join(staging, ManifestName))
	if err != nil {
		return Manifest{}, fmt.Errorf("read %q: %w; remove that directory", staging, ErrDamaged)
	}
	m, err := ParseManifest(text)
	if err != nil {
		return Manifest{}, fmt.Errorf("%q: %w; remove that directory", staging, err)
	}
	return m, nil
}

// resume ends a restore that was interrupted.
func resume(directory, staging string, m Manifest) error {
	if err := removeUncounted(directory, m); err != nil {
		return err
	}
	if err := checkOurs(directory, m); err != nil {
		return err
	}
	return switchTo(directory, staging, m)
}

// checkOurs makes sure that a directory has nothing but what a restore has moved there:
// a server may have been started before the restore had moved anything.
func checkOurs(directory string, m Manifest) error {
	files, err := disk.List(directory)
	if err != nil {
		return err
	}
	identity := recovery.IdentityOf(files)
	for _, path := range slices.Concat(files.Snapshots, files.Journals, files.Days, files.Importing) {
		file, named := m.file(filepath.Base(path))
		if !named || disk.Sizes(path) != file.Bytes || (!identity.IsZero() && identity.String() != m.Identity) {
			return fmt.Errorf("%w; %q is not of the backup whose restore was interrupted, which is in %q",
				ErrNotEmpty, path, filepath.Join(directory, stagingName))
		}
	}
	return nil
}

// switchTo moves the verified files to their places, in the order of the manifest. Until
// the last one is there, a start refuses the directory, or finds nothing in it.
func switchTo(directory, staging string, m Manifest) error {
	for i, file := range m.Files {
		from, to := filepath.Join(staging, file.Name), filepath.Join(directory, file.Name)
		if i == len(m.Files)-1 {
			if err := disk.SyncDirectory(directory); err != nil {
				return err
			}
		}
		if _, err := os.Lstat(from); errors.Is(err, os.ErrNotExist) && disk.Sizes(to) == file.Bytes {
			continue // it was moved before an interruption
		}
		if err := disk.RenameUnsynced(from, to); err != nil {
			return err
		}
	}
	if err := disk.SyncDirectory(directory); err != nil {
		return err
	}
	return errors.Join(disk.Remove(filepath.Join(staging, verifiedName)), disk.RemoveAside(staging))
}
