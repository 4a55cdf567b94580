package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/backup"
	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
)

func TestARestoreGoesIntoAnEmptyDirectoryOnly(t *testing.T) {
	directory, model := holding(t)
	source := func() backup.Source { return backup.FromStream("the test", bytes.NewReader(archiveOf(t, directory))) }
	other, otherModel := holding(t)
	if _, err := backup.Restore(source(), into(other)); !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("into one with counts: %v", err)
	}
	check(t, other, otherModel)
	running := t.TempDir()
	keeper := opened(t, options(running))
	defer closed(t, keeper)
	if _, err := backup.Restore(source(), into(running)); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("into one with a server: %v", err)
	}
	strange := t.TempDir()
	for _, path := range []string{"lost+found", "notes"} {
		if err := os.Mkdir(filepath.Join(strange, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := backup.Restore(source(), into(strange)); err != nil {
		t.Errorf("beside what is not ours: %v", err)
	}
	check(t, strange, model)
}

// TestARestoreReplacesWhatAServerLeftThatCountedNothing is for a machine on which the
// package has just been installed, and started a server.
func TestARestoreReplacesWhatAServerLeftThatCountedNothing(t *testing.T) {
	directory, model := holding(t)
	archive := archiveOf(t, directory)
	idle := func() string {
		made := t.TempDir()
		closed(t, opened(t, options(made)))
		return made
	}
	left := idle()
	if files, err := disk.List(left); err != nil || len(files.Journals) != 1 {
		t.Fatalf("a server that counted nothing leaves %+v, %v", files, err)
	}
	if _, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(archive)), into(left)); err != nil {
		t.Fatal(err)
	}
	check(t, left, model)
	for name, harm := range map[string]func(journal string) error{
		"a later journal, with none before it": func(journal string) error {
			return os.Rename(journal, disk.JournalPath(filepath.Dir(journal), 2))
		},
		"a damaged header": func(journal string) error { return os.WriteFile(journal, bytes.Repeat([]byte{1}, 64), 0o640) },
		"something after the header": func(journal string) error {
			content, err := os.ReadFile(journal)
			return errors.Join(err, os.WriteFile(journal, append(content, "a frame that nobody can read"...), 0o640))
		},
	} {
		doubtful := idle()
		if err := harm(disk.JournalPath(doubtful, 1)); err != nil {
			t.Fatal(err)
		}
		before := namesIn(t, doubtful)
		if _, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(archive)), into(doubtful)); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("%s: %v, want %v", name, err, backup.ErrNotEmpty)
		}
		if after := namesIn(t, doubtful); !slices.Equal(after, before) {
			t.Errorf("%s: it had %q and has %q", name, before, after)
		}
	}
}

func TestADirectoryThatIsNotWholeIsNotBackedUp(t *testing.T) {
	hold := func(directory string) error {
		held, err := backup.Hold(directory, counters.BuiltInKinds(), time.Now())
		if err == nil {
			held.Close()
		}
		return err
	}
	if err := hold(t.TempDir()); !errors.Is(err, backup.ErrNothing) {
		t.Errorf("an empty one: %v", err)
	}
	original, model := holding(t)
	files, err := disk.List(original)
	if err != nil || len(files.Days) == 0 || len(files.Snapshots) == 0 || len(files.Journals) == 0 {
		t.Fatalf("%+v, %v", files, err)
	}
	for name, path := range map[string]string{"day": files.Days[0], "snapshot": files.Snapshots[0], "journal": files.Journals[0]} {
		directory := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(directory, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		spoilt := filepath.Join(directory, filepath.Base(path))
		content, err := os.ReadFile(spoilt)
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)/2] ^= 1
		if err := os.WriteFile(spoilt, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := hold(directory); err == nil {
			if name != "journal" { // the last commit of one may be a torn write
				t.Errorf("a damaged %s: it was held", name)
			}
		} else if (name != "journal" && !strings.Contains(err.Error(), filepath.Base(path))) || !strings.Contains(err.Error(), "verify") {
			t.Errorf("a damaged %s: %v", name, err)
		}
		if err := os.Remove(spoilt); err != nil {
			t.Fatal(err)
		}
		if err := hold(directory); err == nil && name != "journal" {
			t.Errorf("a missing %s: it was held", name)
		}
	}
	check(t, original, model)
}

func TestAnArchiveReplacesOnlyAnArchiveAndIsFoundByItsDirectory(t *testing.T) {
	directory, model := holding(t)
	target := t.TempDir()
	save := func(path string, at time.Time) (string, error) {
		held, err := backup.Hold(directory, counters.BuiltInKinds(), at)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		saved, _, err := backup.SaveArchive(path, held)
		return saved, err
	}
	text := filepath.Join(target, "text")
	if err := os.WriteFile(text, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := save(text, time.Now()); !errors.Is(err, backup.ErrNotABackup) {
		t.Errorf("over a text: %v", err)
	}
	named := filepath.Join(target, "named")
	for range 2 {
		if _, err := save(named, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := backup.FromDirectory(target); !errors.Is(err, backup.ErrNotABackup) {
		t.Errorf("a directory without: %v", err)
	}
	for _, hour := range []int{1, 3, 2} {
		if _, err := save(target, time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	newest, err := backup.FromDirectory(target)
	if err != nil || !strings.Contains(newest.Name, "20260101T030000Z") {
		t.Fatalf("%s, %v", newest.Name, err)
	}
	empty := filepath.Join(t.TempDir(), "data")
	if _, err := backup.Restore(newest, into(empty)); err != nil {
		t.Fatal(err)
	}
	check(t, empty, model)
}

func TestACheckedBackupChangesNothing(t *testing.T) {
	directory, _ := holding(t)
	archive := archiveOf(t, directory)
	m, err := backup.Check(backup.FromStream("the test", bytes.NewReader(archive)), counters.BuiltInKinds())
	if err != nil || m.Identity != identityOf(t, directory) {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := backup.Check(backup.FromStream("the test", bytes.NewReader(archive[:len(archive)-9])), counters.BuiltInKinds()); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("a short one: %v", err)
	}
}
