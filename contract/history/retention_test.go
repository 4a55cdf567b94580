package history

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// TestWhatIsShownFollowsRetentionUpAndDown has counts of a hundred and of five days ago.
func TestWhatIsShownFollowsRetentionUpAndDown(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.MaxEventAge, config.SnapshotInterval = 0, 5*time.Millisecond
	})
	recent, old := time.Now().Add(-days(5)), time.Now().Add(-days(100))
	s.Created(t, blackbox.Array(pastEvent{"recent", "show", 2, 1, 1, recent}.record(), pastEvent{"old", "show", 2, 1, 1, old}.record()))
	for _, test := range []struct {
		retention int // in days
		shown     bool
	}{{0, true}, {30, false}, {1095, true}, {30, false}, {0, true}, {99, false}, {101, true}} {
		s.Stop()
		s.Config.Retention = days(test.retention)
		s.Start(t)
		got := s.Get(t, pathBenefits+"?start_at="+old.UTC().Format(time.DateOnly))
		if shown := strings.Contains(got.Body, `"old"`); shown != test.shown || !strings.Contains(got.Body, `"recent"`) {
			t.Errorf("with RETENTION=%dd the window has %s", test.retention, got.Body)
		}
		kept := ""
		if test.retention > 0 && !test.shown {
			kept = time.Now().Add(-days(test.retention)).UTC().Format(time.DateOnly) + "T00:00:00Z"
		}
		if told := got.Header.Get("Retention-Start-At"); told != kept {
			t.Errorf("with RETENTION=%dd Retention-Start-At is %q, want %q", test.retention, told, kept)
		}
	}
}

// TestImportedDocumentsAreInTheirWindowsAfterARetention is about a directory on which a
// server had a RETENTION once, and has none later.
func TestImportedDocumentsAreInTheirWindowsAfterARetention(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(config *service.Config) {
		config.Retention, config.SnapshotInterval = days(30), 5*time.Millisecond
	})
	s.Created(t, blackbox.RecordOf("live"))
	s.Stop()
	at := blackbox.MustTime(t, "2020-06-15T10:00:00Z")
	p := newPast(t, at, at.Add(time.Hour))
	file := dumped(t, p.documents(chronicle{{"old", "show", 2, 2, 1, at}}))
	got := importOf(t, s.Config.DataDir, file)
	if !strings.Contains(got.Stdout, "RETENTION=30d") || !strings.Contains(got.Stdout, "in no window: 1") {
		t.Errorf("the import says %q, want what cannot be shown while RETENTION stays", got.Stdout)
	}
	s.Config.Retention = 0
	for range 2 {
		s.Start(t)
		for _, path := range []string{pathBenefits, pathStatistics, pathTimeline} {
			query := url.Values{"start_at": {"2020-01-01"}, "end_at": {"2021-01-01"}}
			if got := s.Get(t, path+"?"+query.Encode()); !strings.Contains(got.Body, `"old"`) || got.Header.Get("Retention-Start-At") != "" {
				t.Errorf("%s has %q and Retention-Start-At %q", path, got.Body, got.Header.Get("Retention-Start-At"))
			}
		}
		s.Stop()
	}
	exported := blackbox.Run(t, []string{"DATA_DIR=" + s.Config.DataDir}, "export", "--format", "jsonl")
	if !strings.Contains(exported.Stdout, "2020-06-15") {
		t.Errorf("the export has no day of 2020:\n%s", exported.Stdout)
	}
}
