package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/backup"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/recovery"
)

// options are those of a keeper that writes snapshots and closes days all the time.
func options(directory string) snapshot.Options {
	return snapshot.Options{
		Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Millisecond,
		MaxEventAge: time.Hour, JournalSize: 4 << 10, Now: storetest.Noon().Time,
	}
}

func opened(t testing.TB, options snapshot.Options) *snapshot.Keeper {
	t.Helper()
	keeper, err := snapshot.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return keeper
}

func record(t testing.TB, keeper *snapshot.Keeper, records []storetest.Record) {
	t.Helper()
	ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), records))
	if err := errors.Join(err, ticket.Wait()); err != nil {
		t.Fatal(err)
	}
}

func closed(t testing.TB, keeper *snapshot.Keeper) {
	t.Helper()
	if err := keeper.Close(); err != nil {
		t.Fatal(err)
	}
}

// holding is a copy of a directory with closed days, open ones and commits that are in
// the journal alone, and what is in it.
func holding(t testing.TB) (directory string, model storetest.Model) {
	t.Helper()
	archive, model := held()
	if archive == nil {
		t.Fatal("the directory to begin with could not be made")
	}
	return restored(t, archive), model
}

// held is a backup of the directory that tests begin with, made once.
var held = sync.OnceValues(func() (archive []byte, model storetest.Model) {
	directory, err := os.MkdirTemp("", "backup")
	if err != nil {
		return nil, nil
	}
	defer os.RemoveAll(directory)
	model = storetest.Model{}
	random := rand.New(rand.NewPCG(1, 2))
	t := &testing.T{}
	for life := range 3 {
		o := options(directory)
		if life == 2 {
			o.SnapshotInterval = time.Hour
		}
		keeper := opened(t, o)
		for range 12 {
			batch := storetest.RandomBatch(random, 30)
			model.Add(batch)
			record(t, keeper, batch)
		}
		if life == 2 { // before there is a snapshot of all
			archive = archiveOf(t, directory)
		}
		closed(t, keeper)
	}
	return archive, model
})

func archiveOf(t testing.TB, directory string) []byte {
	t.Helper()
	held, err := backup.Hold(directory, counters.BuiltInKinds(), storetest.Noon().Time())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	var archive bytes.Buffer
	if err := backup.WriteArchive(&archive, held); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func into(directory string) backup.Restoring {
	return backup.Restoring{Directory: directory, Kinds: counters.BuiltInKinds()}
}

func restored(t testing.TB, archive []byte) (directory string) {
	t.Helper()
	directory = filepath.Join(t.TempDir(), "restored")
	if _, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(archive)), into(directory)); err != nil {
		t.Fatal(err)
	}
	return directory
}

// check starts a keeper on a directory and asks it everything.
func check(t testing.TB, directory string, model storetest.Model) {
	t.Helper()
	keeper := opened(t, snapshot.Options{Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Hour, Now: storetest.Noon().Time})
	defer closed(t, keeper)
	model.CheckTotals(t, keeper.Store(), totals(t, keeper))
}

// totals are those of open and closed days together.
func totals(t testing.TB, keeper *snapshot.Keeper) storetest.Totals {
	return func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
		if err := keeper.History().Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), counters.VisitTotals(visit)); err != nil {
			t.Error(err)
		}
	}
}

func identityOf(t testing.TB, directory string) string {
	t.Helper()
	files, err := disk.List(directory)
	if err != nil {
		t.Fatal(err)
	}
	return recovery.IdentityOf(files).String()
}

func namesIn(t testing.TB, directory string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestARestoredDirectoryHasAllCountsAndTheIdentity(t *testing.T) {
	directory, model := holding(t)
	restored := restored(t, archiveOf(t, directory))
	if have, want := identityOf(t, restored), identityOf(t, directory); have != want {
		t.Errorf("the identity is %s, want %s", have, want)
	}
	check(t, restored, model)
}

// TestABackupOfABusyServerHasAllThatWasAcknowledgedBefore takes backups while a keeper
// commits, writes snapshots, closes days and removes files, and restores each.
func TestABackupOfABusyServerHasAllThatWasAcknowledgedBefore(t *testing.T) {
	directory := t.TempDir()
	keeper := opened(t, options(directory))
	random := storetest.Random(t)
	var mu sync.Mutex
	var acknowledged [][]storetest.Record
	first := storetest.RandomBatch(random, 10)
	record(t, keeper, first)
	acknowledged = append(acknowledged, first)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			batch := storetest.RandomBatch(random, 30)
			ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), batch))
			if err := errors.Join(err, ticket.Wait()); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			acknowledged = append(acknowledged, batch)
			mu.Unlock()
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	counted := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	type taken struct {
		before, after int
		archive       []byte
	}
	var all []taken
	for range 8 {
		before := counted()
		archive := archiveOf(t, directory)
		all = append(all, taken{before, counted(), archive})
	}
	close(stop)
	<-stopped
	closed(t, keeper)
	for i, one := range all {
		expectPrefix(t, fmt.Sprintf("backup %d", i), restored(t, one.archive), acknowledged, one.before, one.after+1)
	}
}

// expectPrefix requires that a directory has counted the first batches, at least and at
// most so many.
func expectPrefix(t *testing.T, name, directory string, batches [][]storetest.Record, least, most int) {
	t.Helper()
	keeper := opened(t, snapshot.Options{Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Hour, Now: storetest.Noon().Time})
	defer closed(t, keeper)
	have := storetest.Events(keeper.Store())
	for count := least; count <= min(most, len(batches)); count++ {
		if have == eventsOf(batches[:count]) {
			storetest.ModelOf(batches[:count]...).CheckTotals(t, keeper.Store(), totals(t, keeper))
			return
		}
	}
	t.Errorf("%s has %d events, which are those of no %d to %d batches", name, have, least, most)
}

func eventsOf(batches [][]storetest.Record) (sum uint64) {
	for _, batch := range batches {
		sum += uint64(len(batch))
	}
	return sum
}

func TestADamagedBackupIsRefusedAndLeavesTheDirectoryEmpty(t *testing.T) {
	directory, _ := holding(t)
	whole := archiveOf(t, directory)
	random := storetest.Random(t)
	damages := map[string][]byte{"nothing": nil, "other content": []byte(strings.Repeat("no backup ", 200))}
	for range 40 {
		cut := random.IntN(len(whole))
		damages[fmt.Sprintf("cut off at %d", cut)] = whole[:cut]
		at, flipped := flippedSomewhere(t, random, whole)
		damages[fmt.Sprintf("a bit flipped at %d", at)] = flipped
	}
	for name, archive := range damages {
		target := t.TempDir()
		_, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(archive)), into(target))
		if err == nil {
			check(t, target, storetest.Model{})
			t.Errorf("%s: it was restored", name)
		} else if !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNotABackup) && !errors.Is(err, backup.ErrNewer) {
			t.Errorf("%s: %v", name, err)
		}
		if names := namesIn(t, target); !slices.Equal(names, []string{"LOCK"}) {
			t.Errorf("%s: it left %q", name, names)
		}
	}
}

// flippedSomewhere is an archive with a bit flipped that its content depends on. About one in
// a thousand is of those that fill up bytes, which no reader looks at.
func flippedSomewhere(t *testing.T, random *rand.Rand, whole []byte) (at int, flipped []byte) {
	t.Helper()
	content, err := plainOf(t, whole)
	if err != nil {
		t.Fatal(err)
	}
	for {
		at, flipped = random.IntN(len(whole)), slices.Clone(whole)
		flipped[at] ^= 1 << random.IntN(8)
		if now, err := plainOf(t, flipped); err != nil || !bytes.Equal(now, content) {
			return at, flipped
		}
	}
}

// plainOf is what an archive holds, inflated.
func plainOf(t *testing.T, archive []byte) ([]byte, error) {
	t.Helper()
	reader, err := zstd.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

// rewritten is an archive whose plain content was changed by a function.
func rewritten(t *testing.T, archive []byte, change func(string) string) []byte {
	t.Helper()
	plain, err := plainOf(t, archive)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return writer.EncodeAll([]byte(change(string(plain))), nil)
}

func TestAnArchiveThatSaysOtherThanItHoldsIsRefused(t *testing.T) {
	directory, _ := holding(t)
	archive := archiveOf(t, directory)
	identity := identityOf(t, directory)
	for name, test := range map[string]struct {
		old, new string
		want     error
	}{
		"a newer format":      {`"format": 1`, `"format": 3`, backup.ErrNewer},
		"no format":           {`"format": 1`, `"farmat": 1`, backup.ErrNotABackup},
		"another identity":    {identity, strings.Repeat("0", len(identity)), backup.ErrNotWhole},
		"a way out":           {`"name": "snapshot-0`, `"name": "../pshot-0`, backup.ErrDamaged},
		"a file of its own":   {`"name": "snapshot-0`, `"name": "somefile-0`, backup.ErrDamaged},
		"another member":      {"\x00snapshot-", "\x00snapshat-", backup.ErrDamaged},
		"another end":         {`"commit": `, `"commit":1`, backup.ErrNotWhole},
		"no manifest first":   {"MANIFEST.json\x00", "MANIFEST.text\x00", backup.ErrNotABackup},
		"another file's hash": {`"sha256": "`, `"sha256": "00`, backup.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			changed := rewritten(t, archive, func(plain string) string { return strings.Replace(plain, test.old, test.new, 1) })
			target := t.TempDir()
			if _, err := backup.Restore(backup.FromStream("the test", bytes.NewReader(changed)), into(target)); err == nil {
				t.Errorf("it was restored")
			} else if !errors.Is(err, test.want) && !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNotABackup) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if names := namesIn(t, target); !slices.Equal(names, []string{"LOCK"}) {
				t.Errorf("it left %q", names)
			}
		})
	}
}

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
