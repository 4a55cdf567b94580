package docs

import (
	"context"
	"sync"
	"testing"
	"time"

	"stats-recorder/service"
)

// patience bounds every wait; only something broken uses it up.
const patience = 20 * time.Second

// startServer runs a server on a free port for the length of the test, or until
// stop. configure may be nil.
func startServer(t *testing.T, configure func(*service.Config)) (url string, stop func()) {
	t.Helper()
	config := service.DefaultConfig()
	config.Host, config.Port, config.DataDir = "127.0.0.1", 0, t.TempDir()
	if configure != nil {
		configure(&config)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- service.Run(ctx, config, func(address string) { ready <- address }) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ends with %v", err)
		}
	})
	select {
	case address := <-ready:
		t.Cleanup(stop)
		return "http://" + address, stop
	case err := <-ended:
		t.Fatalf("the server ends before it is ready: %v", err)
	case <-time.After(patience):
		t.Fatalf("the server is not ready after %s", patience)
	}
	return "", nil
}
