package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/backup"
	"stats-recorder/backup/objectstore"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

// memory is a bucket in memory. It fails when it is told to.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	puts    int
	fails   func(what, key string) error
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) failed(what, key string) error {
	if m.fails != nil {
		return m.fails(what, key)
	}
	return nil
}

func (m *memory) Put(_ context.Context, key string, content io.Reader, size int64) error {
	data, err := io.ReadAll(content)
	if err := errors.Join(err, m.failed("put", key)); err != nil {
		return err
	}
	if int64(len(data)) != size {
		return fmt.Errorf("%d bytes, want %d", len(data), size)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = data
	m.puts++
	return nil
}

func (m *memory) Get(_ context.Context, key string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, found := m.objects[key]
	if !found {
		return nil, objectstore.ErrNoObject
	}
	return io.NopCloser(bytes.NewReader(data)), m.failed("get", key)
}

func (m *memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.Sorted(maps.Keys(m.objects))
	return slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) }), m.failed("list", prefix)
}

func (m *memory) Remove(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return m.failed("remove", key)
}

// node is a server with its directory and what uploads it.
type node struct {
	t        *testing.T
	keeper   *snapshot.Keeper
	uploader *objectstore.Uploader
	now      time.Time
}

func startNode(t *testing.T, directory string, bucket objectstore.Bucket, interval time.Duration) *node {
	t.Helper()
	keeper, err := snapshot.Open(snapshot.Options{
		Directory: directory, Durability: snapshot.Always, SnapshotInterval: interval,
		MaxEventAge: time.Hour, JournalSize: 8 << 10, Now: storetest.Noon().Time,
	})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, keeper: keeper, now: storetest.Noon().Time()}
	n.uploader = objectstore.NewUploader(objectstore.NewStore(bucket), directory, counters.BuiltInKinds(),
		fmt.Sprintf("%x", keeper.Identity()), func() time.Time { return n.now })
	return n
}

func (n *node) record(records []storetest.Record) {
	n.t.Helper()
	ticket, err := n.keeper.Record(storetest.Batch(n.t, n.keeper.Store(), records))
	if err := errors.Join(err, ticket.Wait()); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) round() int64 {
	n.t.Helper()
	size, err := n.uploader.Round(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return size
}

func (n *node) stop() {
	n.t.Helper()
	if err := n.keeper.Close(); err != nil {
		n.t.Fatal(err)
	}
}

// restored is a new directory with the newest backup.
func restored(t *testing.T, bucket objectstore.Bucket) string {
	t.Helper()
	source, err := objectstore.NewStore(bucket).Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	directory := filepath.Join(t.TempDir(), "restored")
	if _, err := backup.Restore(source, backup.Restoring{Directory: directory, Kinds: counters.BuiltInKinds()}); err != nil {
		t.Fatal(err)
	}
	return directory
}

func expect(t *testing.T, directory string, model storetest.Model) {
	t.Helper()
	keeper, err := snapshot.Open(snapshot.Options{Directory: directory, Durability: snapshot.Always, SnapshotInterval: time.Hour, Now: storetest.Noon().Time})
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	model.CheckTotals(t, keeper.Store(), func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
		if err := keeper.History().Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), counters.VisitTotals(visit)); err != nil {
			t.Error(err)
		}
	})
}

// TestEachRoundHasWhatWasAcknowledgedBefore restores after rounds, while snapshots come at
// any rate and days are closed, and twice goes on from what was restored.
func TestEachRoundHasWhatWasAcknowledgedBefore(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{time.Millisecond, 30 * time.Millisecond, time.Hour} {
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			random := storetest.Random(t)
			bucket, model, directory := newMemory(), storetest.Model{}, t.TempDir()
			for life := range 3 {
				n := startNode(t, directory, bucket, interval)
				for range 6 {
					for range random.IntN(4) {
						batch := storetest.RandomBatch(random, 40)
						model.Add(batch)
						n.record(batch)
					}
					n.round()
					n.now = n.now.Add(time.Minute)
					if len(model) > 0 {
						expect(t, restored(t, bucket), model)
					}
				}
				if life == 0 {
					n.stop()
					continue
				}
				directory = restored(t, bucket)
				n.stop()
			}
		})
	}
}

func TestARoundUploadsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	n := startNode(t, t.TempDir(), bucket, time.Hour)
	defer n.stop()
	if size := n.round(); size == 0 {
		t.Error("a directory is there for its identity at least")
	}
	var largest int64
	for range 20 {
		n.record(storetest.Page(30, storetest.Noon()))
		largest = max(largest, n.round())
		if puts := bucket.puts; n.round() != 0 || bucket.puts != puts {
			t.Error("a round without anything new has uploaded")
		}
	}
	if largest > 8<<10 {
		t.Errorf("a round took %d bytes", largest)
	}
}

// TestADirectoryHasItsPlaceForItself has another directory, an older server of the same,
// and two that begin at the same time.
func TestADirectoryHasItsPlaceForItself(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	first := startNode(t, t.TempDir(), bucket, time.Hour)
	defer first.stop()
	first.record(storetest.Page(3, storetest.Noon()))
	first.round()
	other := startNode(t, t.TempDir(), bucket, time.Hour)
	defer other.stop()
	other.record(storetest.Page(3, storetest.Noon()))
	if err := other.uploader.Claim(t.Context()); !errors.Is(err, objectstore.ErrForeign) {
		t.Errorf("another directory claims it: %v", err)
	}
	if _, err := other.uploader.Round(t.Context()); !errors.Is(err, objectstore.ErrForeign) {
		t.Errorf("another directory uploads: %v", err)
	}
	second := startNode(t, restored(t, bucket), bucket, time.Hour)
	defer second.stop()
	first.record(storetest.Page(4, storetest.Noon()))
	first.round() // has not noticed yet
	second.record(storetest.Page(5, storetest.Noon()))
	second.round()
	first.record(storetest.Page(6, storetest.Noon()))
	if _, err := first.uploader.Round(t.Context()); !errors.Is(err, objectstore.ErrTaken) {
		t.Errorf("the older server uploads: %v", err)
	}
	model := storetest.ModelOf(storetest.Page(3, storetest.Noon()), storetest.Page(5, storetest.Noon()))
	expect(t, restored(t, bucket), model)
}

// TestAFailedRoundLosesNothing fails at each call in turn.
func TestAFailedRoundLosesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for call := range 12 {
		bucket, model := newMemory(), storetest.Model{}
		n := startNode(t, t.TempDir(), bucket, time.Hour)
		for round := range 3 {
			batch := storetest.Page(3+round, storetest.Noon())
			model.Add(batch)
			n.record(batch)
			left := call
			bucket.fails = func(string, string) error {
				if left--; left == -1 {
					return broken
				}
				return nil
			}
			if _, err := n.uploader.Round(t.Context()); err != nil && !errors.Is(err, broken) {
				t.Fatal(err)
			}
			bucket.fails = nil
			n.round()
			expect(t, restored(t, bucket), model)
		}
		n.stop()
	}
}

// TestOldBackupsGoByTheirRule has a round each minute of two days.
func TestOldBackupsGoByTheirRule(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	n := startNode(t, t.TempDir(), bucket, time.Hour)
	defer n.stop()
	const rounds = 200
	model := storetest.Model{}
	for range rounds {
		batch := storetest.Page(2, storetest.Noon())
		model.Add(batch)
		n.record(batch)
		n.round()
		n.now = n.now.Add(20 * time.Minute)
	}
	manifests, err := bucket.List(t.Context(), "manifests/")
	if err != nil {
		t.Fatal(err)
	}
	if len(manifests) < 24 || len(manifests) > 15+24+30 {
		t.Errorf("%d backups of %d are left", len(manifests), rounds)
	}
	if files, err := bucket.List(t.Context(), "files/"); err != nil || len(files) > 4*len(manifests) {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	expect(t, restored(t, bucket), model)
}

func TestALocationIsReadFromAURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"s3://bucket", "s3://bucket/", "s3://bucket/a/b", "s3://bucket/p?endpoint=http://localhost:9000&region=x"} {
		if location, err := objectstore.ParseURL(good); err != nil {
			t.Errorf("%q: %v", good, err)
		} else if _, err := objectstore.OpenS3(location); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "bucket", "http://bucket/x", "s3:///x", "s3://user:secret@bucket/x", "s3://bucket?endpoint=localhost", "s3://bucket?endpoint=ftp://x", "s3://b?endpoint=http://x/y", "s3://b?retion=x", "s3://b#x"} {
		if _, err := objectstore.ParseURL(bad); !errors.Is(err, objectstore.ErrURL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
