package backup

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"stats-recorder/snapshot/disk"
)

// What can be wrong with a backup.
var (
	// ErrNotABackup is returned for what is no backup of this program.
	ErrNotABackup = errors.New("this is no backup of stats-recorder")
	// ErrNewer is returned for a backup that a newer program wrote.
	ErrNewer = errors.New("a newer version of stats-recorder has written this backup; restore it with that")
	// ErrDamaged is returned for a backup that is not what was written.
	ErrDamaged = errors.New("the backup is damaged; take another one")
)

const (
	// ManifestName is the file of a backup that says what it holds.
	ManifestName = "MANIFEST.json"
	// manifestFormat is the version of what a manifest says, and importingFormat that of one with
	// an import that waits, of which programs before it know nothing.
	manifestFormat, importingFormat = 1, 2
	// mostManifestBytes bounds a manifest that is read: a day takes 150 bytes.
	mostManifestBytes = 64 << 20
)

// A Manifest says what a backup holds.
type Manifest struct {
	// Format is the version of the manifest.
	Format int `json:"format"`
	// Identity is that of the directory, which a restored one keeps.
	Identity string `json:"identity"`
	// Commit is the last commit in it, and Taken when that was, for people.
	Commit uint64    `json:"commit"`
	Taken  time.Time `json:"taken"`
	// Files are in the order in which a restored directory gets them: until the last is
	// there, a start refuses it.
	Files []File `json:"files"`
}

// A File is one file of a data directory.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Object is where object storage has it; empty in an archive.
	Object string `json:"object,omitempty"`
}

// Bytes is the size of all files together.
func (m Manifest) Bytes() (sum int64) {
	for _, file := range m.Files {
		sum += file.Bytes
	}
	return sum
}

// Encode writes a manifest for people and programs.
func (m Manifest) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestName, err)
	}
	return append(text, '\n'), nil
}

// ParseManifest reads what Encode wrote. It returns ErrNotABackup, ErrNewer or
// ErrDamaged, the last also for a name that leads out of a directory.
func ParseManifest(text []byte) (Manifest, error) {
	var version struct{ Format int }
	if err := json.Unmarshal(text, &version); err != nil || version.Format == 0 {
		return Manifest{}, fmt.Errorf("%s: %w", ManifestName, ErrNotABackup)
	}
	if version.Format > importingFormat {
		return Manifest{}, fmt.Errorf("%s: %w: format %d, want at most %d", ManifestName, ErrNewer, version.Format, importingFormat)
	}
	var m Manifest
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w: %w", ManifestName, ErrDamaged, err)
	}
	return m, m.check()
}

func (m Manifest) check() error {
	if len(m.Files) == 0 {
		return fmt.Errorf("%s: %w: it names no files", ManifestName, ErrDamaged)
	}
	for _, file := range m.Files {
		sum, err := hex.DecodeString(file.SHA256)
		if !isFileName(file.Name) || file.Bytes < 0 || err != nil || len(sum) != 32 {
			return fmt.Errorf("%s: %w: file %q of %d bytes", ManifestName, ErrDamaged, file.Name, file.Bytes)
		}
	}
	return nil
}

// isFileName says whether a data directory has files of such a name.
func isFileName(name string) bool {
	return filepath.Base(name) == name && disk.IsDataFile(name)
}

// Importing is the file of an import that waits to be told to other nodes, and whether there is one.
func (m Manifest) Importing() (File, bool) { return m.file(filepath.Base(disk.ImportingPath(""))) }

// file returns what there is to say of a file, and whether the manifest names it.
func (m Manifest) file(name string) (File, bool) {
	for _, file := range m.Files {
		if file.Name == name {
			return file, true
		}
	}
	return File{}, false
}

// IsJournal says whether a file of such a name is a journal.
func IsJournal(name string) bool { return disk.JournalSequence(name) > 0 }

// IsSnapshot says whether a file of such a name is a snapshot.
func IsSnapshot(name string) bool { return disk.SnapshotSequence(name) > 0 }
