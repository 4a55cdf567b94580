// Package s3test runs backups against a real server of the S3 API.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stats-recorder/backup"
	"stats-recorder/backup/objectstore"
	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

const key, secret = "stats", "recorder-secret"

// gateway starts a versitygw on a new directory with one bucket, and returns its address.
func gateway(t *testing.T) (address string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "versitygw")
	if said, err := exec.Command("go", "build", "-o", binary, "github.com/versity/versitygw/cmd/versitygw").CombinedOutput(); err != nil {
		t.Fatalf("build the gateway: %v\n%s", err, said)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "bucket"), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, binary, "--port", address, "--access", key, "--secret", secret, "--region", "here", "posix", root)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // it was killed
	})
	for deadline := time.Now().Add(time.Minute); ; {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// opened is the store below a prefix of the bucket.
func opened(t *testing.T, address, prefix string) *objectstore.Store {
	t.Helper()
	location, err := objectstore.ParseURL(fmt.Sprintf("s3://bucket/%s?region=here&endpoint=http://%s", prefix, address))
	if err != nil {
		t.Fatal(err)
	}
	store, err := objectstore.OpenS3(location)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// TestAnEphemeralDiskIsSurvived has servers of one prefix after another, each on a new
// disk, with rounds in between, and old backups that go.
func TestAnEphemeralDiskIsSurvived(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	address := gateway(t)
	store, model := opened(t, address, "some/prefix"), storetest.Model{}
	if _, err := store.Newest(t.Context()); !errors.Is(err, objectstore.ErrNoBackup) {
		t.Fatalf("an empty place: %v", err)
	}
	random, now := storetest.Random(t), storetest.Noon().Time()
	for life := range 4 {
		directory := filepath.Join(t.TempDir(), "data")
		if life > 0 {
			source, err := store.Newest(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Restore(source, backup.Restoring{Directory: directory, Kinds: counters.BuiltInKinds()}); err != nil {
				t.Fatal(err)
			}
		}
		keeper, err := snapshot.Open(snapshot.Options{
			Directory: directory, Durability: snapshot.Always, SnapshotInterval: 20 * time.Millisecond, MaxEventAge: time.Hour, Now: storetest.Noon().Time,
		})
		if err != nil {
			t.Fatal(err)
		}
		model.CheckTotals(t, keeper.Store(), func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
			if err := keeper.History().Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), counters.VisitTotals(visit)); err != nil {
				t.Error(err)
			}
		})
		uploader := objectstore.NewUploader(store, directory, counters.BuiltInKinds(), fmt.Sprintf("%x", keeper.Identity()), func() time.Time { return now })
		if err := uploader.Claim(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			batch := storetest.RandomBatch(random, 50)
			model.Add(batch)
			ticket, err := keeper.Record(storetest.Batch(t, keeper.Store(), batch))
			if err := errors.Join(err, ticket.Wait()); err != nil {
				t.Fatal(err)
			}
			if _, err := uploader.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
		}
		if err := keeper.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatTheServerRefusesIsSaid(t *testing.T) {
	address := gateway(t)
	t.Setenv("AWS_ACCESS_KEY_ID", key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another secret")
	if _, err := opened(t, address, "x").Newest(t.Context()); err == nil || errors.Is(err, objectstore.ErrNoBackup) {
		t.Errorf("with another secret: %v", err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	location, err := objectstore.ParseURL("s3://nowhere?region=here&endpoint=http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	store, err := objectstore.OpenS3(location)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Newest(t.Context()); err == nil || errors.Is(err, objectstore.ErrNoBackup) {
		t.Errorf("no such bucket: %v", err)
	}
}
