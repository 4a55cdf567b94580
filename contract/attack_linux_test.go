package contract

import (
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
	if err := unix.Prlimit(s.ID(), unix.RLIMIT_NOFILE, &limit, &before); err != nil {
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
	s.await(t, "connections cannot be accepted")
	s.survived(t, 100)
}

func TestAFewFileDescriptorsAreEnough(t *testing.T) {
	t.Parallel()
	command := programCommand(t, []string{"DATA_DIR=" + t.TempDir(), "SNAPSHOT_INTERVAL=20ms"}, nil)
	command.Args = []string{"sh", "-c", "ulimit -n 64 && exec " + command.Path}
	command.Path = "/bin/sh"
	s := beset(t, launch(t, command).listening(t))
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
