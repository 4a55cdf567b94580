package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// options are those of a keeper that acts only when it must: records are
// durable when they are acknowledged, snapshots come with Close.
func options(directory string) snapshot.Options {
	return snapshot.Options{
		Directory:        directory,
		Durability:       snapshot.Always,
		SnapshotInterval: time.Hour,
		MaxEventAge:      48 * time.Hour,
		Now:              noon,
	}
}

// noon is a clock that stands in the hour in which most records happen.
func noon() time.Time { return storetest.Noon().Time().Add(30 * time.Minute) }

// clock is one that a test turns. It begins at noon.
type clock struct{ later atomic.Int64 }

func newClock() *clock { return &clock{} }

func (c *clock) now() time.Time { return noon().Add(time.Duration(c.later.Load())) }

// elapsed is by the clock that nobody sets: all that is turned has passed.
func (c *clock) elapsed() time.Duration { return time.Duration(c.later.Load()) }

func (c *clock) turn(by time.Duration) { c.later.Add(int64(by)) }

// opened is a keeper that the test must close.
func opened(t testing.TB, options snapshot.Options) *snapshot.Keeper {
	t.Helper()
	keeper, err := snapshot.Open(options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return keeper
}

func closed(t testing.TB, keeper *snapshot.Keeper) {
	t.Helper()
	if err := keeper.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// record records a batch, as one commit where there is no other recorder.
func record(t testing.TB, keeper *snapshot.Keeper, records []storetest.Record) {
	t.Helper()
	if err := recorded(keeper, storetest.Batch(t, keeper.Store(), records)); err != nil {
		t.Fatalf("record: %v", err)
	}
}

// recorded records a batch and says what became of it.
func recorded(keeper *snapshot.Keeper, batch *counters.Batch) error {
	ticket, err := keeper.Record(batch)
	return errors.Join(err, ticket.Wait())
}

func check(t testing.TB, keeper *snapshot.Keeper, model storetest.Model) {
	t.Helper()
	model.CheckTotals(t, keeper.Store(), totals(t, keeper.History()))
}

// totals are those of open and closed days together.
func totals(t testing.TB, history *snapshot.History) storetest.Totals {
	return func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
		if err := history.Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), counters.VisitTotals(visit)); err != nil {
			t.Errorf("totals since hour %d: %v", since, err)
		}
	}
}

// lived runs a keeper for the given batches, each a commit, and closes it.
func lived(t testing.TB, directory string, batches ...[]storetest.Record) {
	t.Helper()
	keeper := opened(t, options(directory))
	for _, records := range batches {
		record(t, keeper, records)
	}
	closed(t, keeper)
}

// crashed is a copy of a directory as a crash of the process that owns it
// leaves it. Journals end where their frames end.
func crashed(t testing.TB, directory string) string {
	t.Helper()
	copied := t.TempDir()
	for name, content := range files(t, directory) {
		if strings.HasPrefix(name, "journal-") {
			content = content[:framesEnd(content)]
		}
		write(t, filepath.Join(copied, name), content)
	}
	return copied
}

// crashedAfter is what a keeper leaves that crashes after some commits.
func crashedAfter(t testing.TB, directory string, batches ...[]storetest.Record) string {
	t.Helper()
	keeper := opened(t, options(directory))
	defer closed(t, keeper)
	for _, records := range batches {
		record(t, keeper, records)
	}
	return crashed(t, directory)
}

// files are the contents of a directory by name.
func files(t testing.TB, directory string) map[string][]byte {
	t.Helper()
	contents := map[string][]byte{}
	root := os.DirFS(directory)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			contents[name], err = fs.ReadFile(root, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

// names are the files of a kind, in order.
func names(t testing.TB, directory, prefix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}
	return paths
}

// newest is the path of the last file of a kind.
func newest(t testing.TB, directory, prefix string) string {
	t.Helper()
	all := names(t, directory, prefix)
	if len(all) == 0 {
		t.Fatalf("there is no %s file", prefix)
	}
	return filepath.Join(directory, all[len(all)-1])
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o640); err != nil {
		t.Fatal(err)
	}
}

// expectUntouched requires that a refused start has changed nothing.
func expectUntouched(t testing.TB, directory string, before map[string][]byte) {
	t.Helper()
	after := files(t, directory)
	if have, want := slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)); !slices.Equal(have, want) {
		t.Errorf("the directory has %q, it had %q", have, want)
	}
	for name, content := range before {
		if !bytes.Equal(content, after[name]) {
			t.Errorf("%s was changed", name)
		}
	}
}

// watch is a log of which a test can wait for a line.
type watch struct{ lines chan slog.Record }

func newWatch() (*watch, *slog.Logger) {
	w := &watch{lines: make(chan slog.Record, 1000)}
	return w, slog.New(w)
}

func (w *watch) Enabled(context.Context, slog.Level) bool { return true }
func (w *watch) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *watch) WithGroup(string) slog.Handler            { return w }

func (w *watch) Handle(_ context.Context, line slog.Record) error {
	w.lines <- line
	return nil
}

// wait returns the next line that has the given words.
func (w *watch) wait(t testing.TB, words string) slog.Record {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		select {
		case line := <-w.lines:
			if strings.Contains(line.Message, words) {
				return line
			}
		case <-patience:
			t.Fatalf("nothing was logged about %q", words)
		}
	}
}
