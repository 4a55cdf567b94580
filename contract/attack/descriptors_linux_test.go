package attack

import (
	"net/http"
	"testing"

	"golang.org/x/sys/unix"

	"stats-recorder/contract/blackbox"
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
	s.Await(t, "connections cannot be accepted")
	s.expectServed(t, 3)
	hangUpAll(conns)
	s.expectRecovery(t)
	s.survived(t, 100)
}

func TestAFewFileDescriptorsAreEnough(t *testing.T) {
	t.Parallel()
	command := blackbox.ProgramCommand(t, []string{"DATA_DIR=" + t.TempDir(), "SNAPSHOT_INTERVAL=20ms"}, nil)
	command.Args = []string{"sh", "-c", "ulimit -n 64 && exec " + command.Path}
	command.Path = "/bin/sh"
	s := beset(t, blackbox.Launch(t, command).Listening(t))
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
	s.Get(t, "/statistics").ExpectStatus(t, http.StatusOK)
}
