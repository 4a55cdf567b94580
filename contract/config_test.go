package contract

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestTheDefaultsAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	config := service.DefaultConfig()
	if config.Port != 4000 || config.Host != "" || config.CORSDomain != "*" || config.DataDir != "data" ||
		config.SnapshotInterval != time.Minute || len(config.EventTypes) != 0 ||
		config.MaxBodyBytes != 131072 || config.MaxEventAge != 48*time.Hour {
		t.Errorf("got %+v", config)
	}
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestPort0PicksAFreeOneAndTheLogSaysWhich(t *testing.T) {
	t.Parallel()
	log := new(logBuffer)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Logger = log.logger() })
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("the address is %q", s.Address)
	}
	if !strings.Contains(log.String(), ":"+port) {
		t.Errorf("port %s is not in the log:\n%s", port, log)
	}
	s.Get(t, "/benefits").ExpectStatus(t, http.StatusOK)
}

func TestABadValueIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*service.Config){
		"port":             func(c *service.Config) { c.Port = 65536 },
		"Port":             func(c *service.Config) { c.Port = -1 },
		"datadir":          func(c *service.Config) { c.DataDir = "" },
		"snapshotinterval": func(c *service.Config) { c.SnapshotInterval = -time.Second },
		"maxeventage":      func(c *service.Config) { c.MaxEventAge = -time.Second },
		"maxbodybytes":     func(c *service.Config) { c.MaxBodyBytes = -1 },
		"eventtypes":       func(c *service.Config) { c.EventTypes = []string{"good", ""} },
		"corsdomain":       func(c *service.Config) { c.CORSDomain = "https://" },
		"durability":       func(c *service.Config) { c.Durability = "sometimes" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := service.DefaultConfig()
			config.Host, config.Port, config.DataDir = "127.0.0.1", 0, t.TempDir()
			config.Logger = slog.New(slog.DiscardHandler)
			spoil(&config)
			ctx, cancel := context.WithTimeout(context.Background(), blackbox.Patience)
			defer cancel()
			err := service.Run(ctx, config, func(string) { cancel() })
			if err == nil {
				t.Fatal("Run has taken the value")
			}
			spelled := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(err.Error()))
			if !strings.Contains(spelled, strings.ToLower(name)) {
				t.Errorf("the error is %q, want it to name %s", err, name)
			}
		})
	}
}

func TestEverythingOnDiskIsInTheDataDirectory(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	s := blackbox.StartServer(t, func(c *service.Config) { c.DataDir = filepath.Join(parent, "deep", "data") })
	s.Created(t, blackbox.Times(3, blackbox.RecordOf("RSA")))
	s.Stop()
	for _, directory := range []string{parent, filepath.Join(parent, "deep")} {
		entries, err := os.ReadDir(directory)
		if err != nil || len(entries) != 1 {
			t.Errorf("%s has %v (%v), want one entry", directory, entries, err)
		}
	}
	// What is kept moves with the directory.
	s.Config.DataDir = filepath.Join(parent, "moved")
	if err := os.Rename(filepath.Join(parent, "deep", "data"), s.Config.DataDir); err != nil {
		t.Fatal(err)
	}
	s.Start(t)
	t.Cleanup(s.Stop)
	s.ExpectTotal(t, "RSA", 3)
}

func TestMoreEventTypesCanBeAccepted(t *testing.T) {
	t.Parallel()
	survey, click := blackbox.Record(blackbox.Fields{"event_type": `"survey"`}), blackbox.Record(blackbox.Fields{"event_type": `"Click-2"`})
	plain := blackbox.StartServer(t, nil)
	plain.Post(t, survey).ExpectSingleRejected(t, "event_type")

	s := blackbox.StartServer(t, func(c *service.Config) { c.EventTypes = []string{"survey", "Click-2"} })
	s.Created(t, blackbox.Array(survey, survey, click, blackbox.RecordOf("RSA")))
	refusesField(t, s, "event_type", `"Survey"`, `"click-2"`, `"opened"`, `"survey,Click-2"`, "null", `""`)

	// The counts of a type stay its own, whatever the list is later.
	for _, types := range [][]string{{"Click-2", "survey"}, nil, {"new", "survey"}} {
		s.Config.EventTypes = types
		s.Restart(t)
		totals := s.Totals(t, "")["RSA"]
		if len(totals) != 3 || totals["survey"] != 2 || totals["Click-2"] != 1 || totals["show"] != 1 {
			t.Errorf("with the types %q the totals are %v", types, totals)
		}
	}
	s.Post(t, click).ExpectSingleRejected(t, "event_type")
	s.Created(t, blackbox.Record(blackbox.Fields{"event_type": `"new"`}))
	if totals := s.Totals(t, "")["RSA"]; totals["new"] != 1 || totals["Click-2"] != 1 {
		t.Errorf("the totals are %v", totals)
	}
}

func TestSnapshotsBetweenRequestsLoseNothing(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.SnapshotInterval = time.Millisecond })
	book := blackbox.NewLedger()
	for round := range 4 {
		for i := range 25 {
			book.Post(t, s, blackbox.Counter{Benefit: "RSA", Event: "show", Version: 2, Total: 30, Index: 1 + i}, blackbox.Counter{Benefit: "round", Event: "link", Version: 2, Total: round + 1, Index: 1})
		}
		s.AlsoAfterRestart(t, func(t *testing.T) { book.Expect(t, s, 2) })
	}
}

// TestTheVisitorIsNeverStoredInTheClear looks for hash_id in every byte of the
// data directory, inflated too, and in the log.
func TestTheVisitorIsNeverStoredInTheClear(t *testing.T) {
	t.Parallel()
	const visitor = "visitor-7f3c9a5e11d24b60"
	log := new(logBuffer)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Logger = log.logger(); c.SnapshotInterval = time.Millisecond })
	for range 10 {
		s.Created(t, blackbox.Record(blackbox.Fields{"hash_id": blackbox.Quote(visitor)}))
	}
	s.Post(t, blackbox.Record(blackbox.Fields{"hash_id": blackbox.Quote(visitor), "event_type": `"opened"`}))
	s.Post(t, `[{"hash_id":"`+visitor+`",]`)
	s.Post(t, blackbox.Record(blackbox.Fields{"hash_id": blackbox.Quote(strings.Repeat(visitor, 20))}))

	s.AlsoAfterRestart(t, func(t *testing.T) {
		stored := storedText(t, s.Config.DataDir)
		if strings.Contains(stored, visitor) {
			t.Error("hash_id is in the data directory")
		}
	})
	s.Stop()
	stored := storedText(t, s.Config.DataDir)
	if strings.Contains(stored, visitor) {
		t.Error("hash_id is in the data directory after the end")
	}
	if !strings.Contains(stored, "RSA") {
		t.Error("benefit_id is not found on disk: this test sees nothing")
	}
	if strings.Contains(log.String(), visitor) {
		t.Errorf("hash_id is in the log:\n%s", log)
	}
}

// storedText is every file of a directory, followed by what each zstd frame in
// them inflates to.
func storedText(t testing.TB, directory string) string {
	t.Helper()
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(math.MaxInt32))
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	var text strings.Builder
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			continue // removed while the server runs
		}
		text.Write(content)
		for rest := content; ; rest = rest[1:] {
			start := bytes.Index(rest, []byte("\x28\xb5\x2f\xfd"))
			if start < 0 {
				break
			}
			rest = rest[start:]
			// What follows the frame is an error; the frame has been decoded by then.
			inflated, _ := decoder.DecodeAll(rest, nil)
			text.Write(inflated)
		}
	}
	return text.String()
}
