package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"stats-recorder/backup"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/recovery"
)

// waits has an import wait in a directory, of which only the node there knows what it is.
func waits(t *testing.T, directory string) (path string) {
	t.Helper()
	path = filepath.Join(directory, "importing")
	if err := os.WriteFile(path, []byte("frames"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnImportThatWaitsIsInABackup(t *testing.T) {
	t.Parallel()
	directory, model := holding(t)
	hold := func(earlier backup.Manifest) backup.Manifest {
		held, err := backup.HoldKnown(directory, counters.BuiltInKinds(), earlier, storetest.Noon().Time())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		return held.Manifest
	}
	since := func(earlier backup.Manifest) error {
		held, err := backup.HoldSince(directory, earlier, storetest.Noon().Time())
		if err == nil {
			err = held.Close()
		}
		return err
	}
	before := hold(backup.Manifest{})
	if _, waits := before.Importing(); waits || before.Format != 1 || since(before) != nil {
		t.Errorf("before there is one: format %d, %v", before.Format, since(before))
	}
	path := waits(t, directory)
	if err := since(before); !errors.Is(err, recovery.ErrJournalGap) {
		t.Errorf("what is new since then is held without it: %v, want ErrJournalGap", err)
	}
	with := hold(before)
	if _, waits := with.Importing(); !waits || with.Format != 2 || since(with) != nil {
		t.Errorf("with it: format %d, %v", with.Format, since(with))
	}
	back := restored(t, archiveOf(t, directory))
	if content, err := os.ReadFile(filepath.Join(back, "importing")); err != nil || string(content) != "frames" {
		t.Errorf("restored is %q, %v", content, err)
	}
	check(t, back, model)
	if err := os.Remove(path); err != nil { // it is made
		t.Fatal(err)
	}
	if err := since(with); !errors.Is(err, recovery.ErrJournalGap) {
		t.Errorf("what is new since it was made is held with it: %v, want ErrJournalGap", err)
	}
}

func TestABackupIsNotRestoredWhereAnImportWaits(t *testing.T) {
	t.Parallel()
	directory, _ := holding(t)
	target := t.TempDir()
	waits(t, target)
	if _, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(archiveOf(t, directory))), into(target)); !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("%v, want ErrNotEmpty", err)
	}
}
