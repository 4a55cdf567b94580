package contract

import (
	"context"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWithoutFileDescriptorsTheServerGoesOn(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	limit := unix.Rlimit{Cur: 64, Max: 20_000}
	var before unix.Rlimit
	if err := unix.Prlimit(s.process.Pid, unix.RLIMIT_NOFILE, &limit, &before); err != nil {
		t.Skip("the limit cannot be set:", err)
	}
	conns := s.attackers(t, 300)
	time.Sleep(500 * time.Millisecond)
	for range 3 {
		if err := newcomer(s); err != nil {
			t.Errorf("a newcomer: %v", err)
		}
	}
	hangUpAll(conns)
	s.expectRecovery(t)
	if _, ok := s.log.await("connections cannot be accepted", s.ended); !ok {
		t.Error("the log does not say that connections could not be accepted")
	}
	s.survived(t, 100)
}

func TestAFewFileDescriptorsAreEnough(t *testing.T) {
	t.Parallel()
	command := programCommand(context.Background(), t, []string{"DATA_DIR=" + t.TempDir(), "SNAPSHOT_INTERVAL=20ms"}, nil)
	command.Args = []string{"sh", "-c", "ulimit -n 64 && exec " + command.Path}
	command.Path = "/bin/sh"
	p := launchCommand(t, command)
	line, ok := p.log.await("listening", p.ended)
	if !ok {
		t.Fatalf("the server does not listen:\n%s", p.log)
	}
	p.reachAt(line.text(t, "address"))
	s := beset(t, p)
	conns := s.attackers(t, 300)
	time.Sleep(500 * time.Millisecond)
	for range 5 {
		if err := newcomer(s); err != nil {
			t.Errorf("a newcomer: %v", err)
		}
	}
	hangUpAll(conns)
	s.expectRecovery(t)
	s.survived(t, 100)
}

// expectRecovery requires newcomers to be served at once.
func (s *siege) expectRecovery(t *testing.T) {
	t.Helper()
	time.Sleep(100 * time.Millisecond)
	for range 20 {
		if err := newcomer(s); err != nil {
			t.Errorf("a newcomer after the attack: %v", err)
		}
	}
	s.get(t, "/statistics").expectStatus(t, http.StatusOK)
}
