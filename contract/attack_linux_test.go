package contract

import (
	"net/http"
	"testing"

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
	s.await(t, "connections cannot be accepted")
	s.expectServed(t, 3)
	hangUpAll(conns)
	s.expectRecovery(t)
	s.survived(t, 100)
}

func TestAFewFileDescriptorsAreEnough(t *testing.T) {
	t.Parallel()
	command := programCommand(t, []string{"DATA_DIR=" + t.TempDir(), "SNAPSHOT_INTERVAL=20ms"}, nil)
	command.Args = []string{"sh", "-c", "ulimit -n 64 && exec " + command.Path}
	command.Path = "/bin/sh"
	s := beset(t, launch(t, command).listening(t))
	conns := s.attackers(t, 300)
	s.expectServed(t, 5)
	hangUpAll(conns)
	s.expectRecovery(t)
	s.survived(t, 100)
}

// expectRecovery requires everybody to be served once the attackers are gone.
func (s *siege) expectRecovery(t *testing.T) {
	t.Helper()
	s.expectServed(t, 20)
	s.get(t, "/statistics").expectStatus(t, http.StatusOK)
}
