package history

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
)

// TestAKillLosesNoCountAndOfVisitorsWhatCameAfterTheSnapshot kills a server between
// snapshots, and holds what the next one says.
func TestAKillLosesNoCountAndOfVisitorsWhatCameAfterTheSnapshot(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	begin := func(interval string) *blackbox.Program {
		return blackbox.StartProgram(t, directory, []string{"SNAPSHOT_INTERVAL=" + interval})
	}
	come := func(p *blackbox.Program, first, last int) {
		for i := first; i < last; i++ {
			p.Created(t, blackbox.Record(blackbox.Fields{"hash_id": blackbox.Quote(fmt.Sprint("visitor-", i))}))
		}
	}
	p := begin("1h")
	come(p, 0, 20)
	p.Terminate(t) // writes a snapshot
	p = begin("1h")
	come(p, 20, 35)
	p.Kill(t)
	p = begin("5ms")
	if got := visitorDays(t, p); got != 20 {
		t.Errorf("after the kill there are %v visitors, want the 20 of the snapshot", got)
	}
	p.ExpectTotal(t, "RSA", 35)
	come(p, 35, 60)
	if got := visitorDays(t, p); got != 45 {
		t.Errorf("there are %v visitors, want 45", got)
	}
	awaitSnapshots(t, directory)
	p.Kill(t)
	p = begin("1h")
	if got := visitorDays(t, p); got != 45 {
		t.Errorf("after a kill behind a snapshot there are %v visitors, want 45", got)
	}
	p.ExpectTotal(t, "RSA", 60)
}

func visitorDays(t *testing.T, p *blackbox.Program) float64 {
	t.Helper()
	got := p.Get(t, "/insight/visitors")
	got.ExpectStatus(t, http.StatusOK)
	var answer struct {
		VisitorDays float64 `json:"visitor_days"`
	}
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.VisitorDays
}

// awaitSnapshots waits until what is on disk does not change any more. It opens no file: the server
// removes some meanwhile.
func awaitSnapshots(t *testing.T, directory string) {
	t.Helper()
	before, since := "", time.Now()
	harnesstest.Until(t, "snapshots are written", func() bool {
		files, err := os.ReadDir(directory)
		if err != nil {
			t.Fatal(err)
		}
		if now := fmt.Sprint(files); now != before {
			before, since = now, time.Now()
		}
		return time.Since(since) > 200*time.Millisecond
	})
}
