package contract

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness"
)

// TestAKillCostsNothingHoweverSlowTheDiskIs kills a server under load whose disk takes
// its time for each sync, while journals rotate for snapshots all the time.
func TestAKillCostsNothingHoweverSlowTheDiskIs(t *testing.T) {
	t.Parallel()
	const clients = 4
	for _, test := range []struct {
		durability string
		delay      time.Duration
		// It is killed after so many acknowledgements and snapshots.
		enough    int64
		snapshots int
	}{
		{"always", 10 * time.Millisecond, 100, 2},
		{"everysec", 0, 1000, 3},
		{"everysec", 10 * time.Millisecond, 1000, 2},
		{"everysec", time.Second, 1000, 1},
	} {
		t.Run(fmt.Sprintf("%s, %v for a sync", test.durability, test.delay), func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			p := startSlow(t, directory, test.delay, "DURABILITY="+test.durability, "SNAPSHOT_INTERVAL=200ms")
			var acknowledged, sent atomic.Int64
			var all sync.WaitGroup
			for range clients {
				all.Go(func() { postUntilKilled(p, &sent, &acknowledged) })
			}
			isEnough := func() bool {
				return acknowledged.Load() >= test.enough && strings.Count(p.Log.String(), "wrote a snapshot") >= test.snapshots
			}
			for deadline := time.Now().Add(blackbox.Patience); !isEnough(); p.Get(t, "/benefits") {
				if time.Now().After(deadline) {
					t.Fatalf("%d acknowledgements after %v:\n%s", acknowledged.Load(), blackbox.Patience, p.Log)
				}
			}
			p.Kill(t)
			all.Wait()
			total := blackbox.StartProgram(t, directory, nil).Total(t, "RSA", "")
			if int64(total) < acknowledged.Load() || int64(total) > sent.Load() {
				t.Errorf("%d records are left of %d that were acknowledged and %d that were sent", total, acknowledged.Load(), sent.Load())
			}
		})
	}
}

// startSlow starts a server whose disk takes that long for each sync.
func startSlow(t *testing.T, directory string, delay time.Duration, environment ...string) *blackbox.Program {
	t.Helper()
	settings := harness.Settings{
		Program: blackbox.Crashing(t), Data: directory,
		Environment: append(environment, "LOG_LEVEL=debug", "STATS_RECORDER_SYNC_DELAY="+delay.String()),
	}
	return blackbox.Launch(t, settings.Command()).Listening(t)
}

// postUntilKilled posts one record after the other until there is no answer.
func postUntilKilled(p *blackbox.Program, sent, acknowledged *atomic.Int64) {
	for {
		sent.Add(1)
		response, err := p.Client.Post(p.URL+"/benefits", "application/json", strings.NewReader(blackbox.RecordOf("RSA")))
		if err != nil {
			return
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			acknowledged.Add(1)
		}
	}
}

// TestAServerWhoseDirectoryIsRemovedEndsAndSaysSoOnce is also how it ends after a sync
// that failed.
func TestAServerWhoseDirectoryIsRemovedEndsAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"always", "everysec", "snapshot"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			directory := filepath.Join(t.TempDir(), "data")
			p := blackbox.StartProgram(t, directory, []string{"DURABILITY=" + durability})
			p.Created(t, blackbox.RecordOf("RSA"))
			if err := os.RemoveAll(directory); err != nil {
				t.Fatal(err)
			}
			ending, err := p.Wait()
			if err != nil {
				t.Fatal(err)
			}
			const says = "removed or replaced while the server runs"
			if ending.Status != 1 || strings.Count(p.Log.String(), says) != 1 || !strings.Contains(p.Log.String(), directory) {
				t.Errorf("%v, want exit status 1 and once %q:\n%s", ending, says, p.Log)
			}
		})
	}
}
