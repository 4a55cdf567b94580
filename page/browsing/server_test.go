package browsing

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"stats-recorder/demo"
	"stats-recorder/service"
)

// patience bounds every wait; only something broken uses it up.
const patience = time.Minute

// seed is that of the traffic that the tests make up.
const seed = 20261126

// A site is a running server.
type site struct {
	origin string
	stop   func() error
}

// start starts a server on a directory of its own.
func start(directory string, change func(*service.Config)) (*site, error) {
	config := service.DefaultConfig()
	config.Host, config.Port, config.DataDir, config.Logger = "127.0.0.1", 0, filepath.Join(directory, "data"), slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	config.Durability, config.MaxEventAge = "snapshot", 0
	if change != nil {
		change(&config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- service.Run(ctx, config, func(address string) { ready <- address }) }()
	stop := func() error { cancel(); return <-ended }
	select {
	case address := <-ready:
		return &site{"http://" + address, stop}, nil
	case err := <-ended:
		cancel()
		return nil, err
	case <-time.After(patience):
		cancel()
		return nil, context.DeadlineExceeded
	}
}

// started is start for one test.
func started(t *testing.T, change func(*service.Config)) *site {
	t.Helper()
	s, err := start(t.TempDir(), change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// post posts a body that must be taken.
func (s *site) post(t *testing.T, body string) {
	t.Helper()
	response, err := http.Post(s.origin+"/benefits", "application/json", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("posting %.80s is answered %d, want 200", body, response.StatusCode)
	}
}

// shared is the server with made-up traffic, which all tests read.
var shared struct {
	sync.Once
	site      *site
	err       error
	directory string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.site != nil {
		if err := shared.site.stop(); err != nil {
			code = 1
		}
	}
	os.RemoveAll(shared.directory)
	browserEnd()
	os.Exit(code)
}

// demonstration is a server with 60 days of made-up traffic.
func demonstration(t *testing.T) *site {
	t.Helper()
	shared.Do(func() { shared.err = startDemonstration() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.site
}

func startDemonstration() (err error) {
	if shared.directory, err = os.MkdirTemp("", "browsing-"); err != nil {
		return err
	}
	labels, err := os.Create(filepath.Join(shared.directory, "labels.csv"))
	if err != nil {
		return err
	}
	if err := demo.WriteLabels(labels, seed); err != nil {
		return err
	}
	if err := labels.Close(); err != nil {
		return err
	}
	shared.site, err = start(shared.directory, func(c *service.Config) {
		c.LabelsFile, c.SiteTitle, c.SnapshotInterval = labels.Name(), "Simulateur d’aides aux jeunes", 20*time.Millisecond
	})
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return err
	}
	now := time.Now().In(zone)
	return demo.Fill(context.Background(), shared.site.origin, filepath.Join(shared.directory, "data"), demo.Traffic{Seed: seed, From: now.AddDate(0, 0, -60), To: now, PagesADay: pagesADay()})
}

// pagesADay is how many pages the made-up traffic has a day: fewer than the demonstration
// where nothing is to be seen by people, since it is made up faster.
func pagesADay() float64 {
	if long || *shots != "" || *mapPicture != "" {
		return demo.PagesADay
	}
	return 900
}
