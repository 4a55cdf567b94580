package snapshot_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/salvage"
)

// What is around the files of a data directory: its lock, its place, its neighbours.

func TestTheLockHoldsThoughItsFileIsRemoved(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(directory string) error{
		"another server": func(directory string) error {
			_, err := snapshot.Open(options(directory))
			return err
		},
		"an import": func(directory string) error {
			_, err := snapshot.OpenImport(options(directory))
			return err
		},
		"verify": func(directory string) error {
			_, err := salvage.Verify(directory, counters.BuiltInKinds())
			return err
		},
		"a repair": func(directory string) error {
			_, err := salvage.Repair(directory, counters.BuiltInKinds(), nil, noon())
			return err
		},
	} {
		for what, harm := range map[string]func(path string) error{
			"is there": func(string) error { return nil }, "was removed": os.Remove,
			"was replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o640)) },
		} {
			t.Run(name+", the file "+what, func(t *testing.T) {
				t.Parallel()
				directory := t.TempDir()
				keeper := opened(t, options(directory))
				if err := harm(filepath.Join(directory, "LOCK")); err != nil {
					t.Fatal(err)
				}
				if err := take(directory); !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), directory) {
					t.Errorf("%v, want ErrLocked and the directory", err)
				}
				record(t, keeper, storetest.Page(3, storetest.Noon()))
				closed(t, keeper)
				keeper = opened(t, options(directory))
				check(t, keeper, storetest.ModelOf(storetest.Page(3, storetest.Noon())))
				closed(t, keeper)
			})
		}
	}
}

func TestADirectoryThatVanishedEndsTheKeeper(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, directory string) error{
		"it is removed": func(_ *testing.T, directory string) error { return os.RemoveAll(directory) },
		"it is moved":   func(_ *testing.T, directory string) error { return os.Rename(directory, directory+" moved") },
		"another one is in its place": func(t *testing.T, directory string) error {
			return errors.Join(os.Rename(directory, directory+" moved"), os.CopyFS(directory, os.DirFS(directory+" moved")))
		},
		"its journal is removed": func(t *testing.T, directory string) error { return os.Remove(journalFile(t, directory)) },
		"a copy of its journal is there": func(t *testing.T, directory string) error {
			path := journalFile(t, directory)
			content := read(t, path)
			return errors.Join(os.Remove(path), os.WriteFile(path, content, 0o640))
		},
	} {
		for mode, durability := range map[string]snapshot.Durability{"always": snapshot.Always, "everysec": snapshot.EverySecond} {
			t.Run(mode+", "+name, func(t *testing.T) {
				t.Parallel()
				options := options(filepath.Join(t.TempDir(), "data"))
				options.Durability = durability
				keeper := opened(t, options)
				record(t, keeper, storetest.Page(3, storetest.Noon()))
				if err := harm(t, options.Directory); err != nil {
					t.Fatal(err)
				}
				if err := <-keeper.Failed(); !errors.Is(err, disk.ErrVanished) || !strings.Contains(err.Error(), options.Directory) {
					t.Errorf("it ends with %v, want ErrVanished and the path", err)
				}
				ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), storetest.Page(3, storetest.Noon())))
				if err != nil {
					t.Fatal(err)
				}
				if err := keeper.Close(); !errors.Is(err, disk.ErrVanished) {
					t.Errorf("closing says %v, want ErrVanished", err)
				}
				if ticket.Settled() {
					t.Error("a record was answered after that")
				}
			})
		}
	}
}

func TestNeighboursAreLeftAlone(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	page := storetest.Page(5, storetest.Noon())
	pipe := func(path string) error { return syscall.Mkfifo(path, 0o640) }
	folder := func(path string) error { return os.Mkdir(path, 0o750) }
	file := func(path string) error { return os.WriteFile(path, []byte("mine"), 0o640) }
	neighbours := map[string]func(string) error{
		"foo.tmp": folder, "snapshot-0000000000000099.tmp": folder, "lost+found": folder, "LOCK.old": file, "notes.bak": file,
		"notes.tmp": pipe, "journal-0000000000000099.tmp": pipe, "snapshot-0000000000000099.damaged": folder, "mine.tmp": file,
		"snapshot-00000000000000FF": file, "snapshot-00000000000000FE": pipe, "journal-00000000000000FF.tmp": file,
		"day-2026-07-15-00000000000000FF": folder, "socket.damaged": file, "journal": folder, "snapshot-": pipe,
	}
	for name, make := range neighbours {
		if err := make(filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := map[string]os.FileInfo{}
	for name := range neighbours {
		before[name], _ = os.Lstat(filepath.Join(directory, name))
	}
	model := storetest.Model{}
	for range 3 {
		lived(t, directory, page)
		model.Add(page)
		if report, err := salvage.Verify(directory, counters.BuiltInKinds()); err != nil || report.Missing != nil {
			t.Errorf("verify: %v, %v", err, report.Missing)
		}
	}
	if _, err := salvage.Repair(directory, counters.BuiltInKinds(), nil, noon()); err != nil {
		t.Errorf("repair: %v", err)
	}
	keeper := opened(t, options(directory))
	check(t, keeper, model)
	closed(t, keeper)
	for name, was := range before {
		if is, err := os.Lstat(filepath.Join(directory, name)); err != nil || !os.SameFile(is, was) {
			t.Errorf("%q is not what it was: %v", name, err)
		}
	}
}

func TestWhatTakesANameOfOursIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func(path string) error
		name string
		says string
	}{
		"the lock is a directory":        {func(path string) error { return os.Mkdir(path, 0o750) }, "LOCK", "a directory"},
		"the lock is a pipe":             {func(path string) error { return syscall.Mkfifo(path, 0o640) }, "LOCK", "a named pipe"},
		"a snapshot is a pipe":           {func(path string) error { return syscall.Mkfifo(path, 0o640) }, "snapshot-0000000000000009", "a named pipe"},
		"a snapshot is a directory":      {func(path string) error { return os.Mkdir(path, 0o750) }, "snapshot-0000000000000001", "a directory"},
		"a journal is a pipe":            {func(path string) error { return syscall.Mkfifo(path, 0o640) }, "journal-0000000000000009", "a named pipe"},
		"a day is a directory":           {func(path string) error { return os.Mkdir(path, 0o750) }, "day-2026-07-15-0000000000000001", "a directory"},
		"a journal leads to a directory": {func(path string) error { return os.Symlink(filepath.Dir(path), path) }, "journal-0000000000000009", "a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			lived(t, directory, storetest.Page(5, storetest.Noon()))
			path := filepath.Join(directory, test.name)
			if err := errors.Join(os.RemoveAll(path), test.make(path)); err != nil {
				t.Fatal(err)
			}
			_, start := snapshot.Open(options(directory))
			_, verify := salvage.Verify(directory, counters.BuiltInKinds())
			_, repair := salvage.Repair(directory, counters.BuiltInKinds(), nil, noon())
			for who, err := range map[string]error{"a start": start, "verify": verify, "repair": repair} {
				if !errors.Is(err, disk.ErrNameTaken) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s says %v, want ErrNameTaken, %q and %q", who, err, path, test.says)
				}
			}
		})
	}
}
