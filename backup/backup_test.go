package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/backup"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

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
