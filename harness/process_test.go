package harness

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// started starts a line of shell, which is killed at the end of the test.
func started(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestTheLogHasBothStreamsAndALastLineWithoutAnEnd(t *testing.T) {
	p := started(t, "echo first; echo second >&2; printf third")
	if err := p.Expect(Ending{}); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Log.String(), "first\nsecond\nthird\n"; got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
	for number, line := range p.Log.Lines() {
		if line.Number != number {
			t.Errorf("line %d has the number %d", number, line.Number)
		}
	}
}

func TestALineIsAwaitedWhileTheProcessRuns(t *testing.T) {
	p := started(t, "echo one; echo two; echo one; read forever")
	first, err := p.Log.Await(Containing("one"), 0)
	if err != nil || first.Number != 0 {
		t.Fatalf("the first line is %+v, %v", first, err)
	}
	again, err := p.Log.Await(Containing("one"), first.Number+1)
	if err != nil || again.Number != 2 {
		t.Errorf("the next such line is %+v, %v", again, err)
	}
}

func TestTheEndOfAProcessEndsTheWaitForALine(t *testing.T) {
	_, err := started(t, "echo no such setting; exit 2").Log.Await(Containing("listening"), 0)
	if !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "no such setting") {
		t.Errorf("the error is %v", err)
	}
}

func TestHowAProcessEnded(t *testing.T) {
	for _, test := range []struct {
		name, script string
		want         Ending
	}{
		{"well", "true", Ending{}},
		{"with a status", "exit 3", Ending{Status: 3}},
		{"by a signal", "kill -KILL $$", Ending{Signal: syscall.SIGKILL}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := started(t, test.script)
			if err := p.Expect(test.want); err != nil {
				t.Error(err)
			}
			if err := p.Expect(Ending{Status: 4}); !errors.Is(err, ErrEnding) {
				t.Errorf("another ending is taken for it: %v", err)
			}
			if err := p.Signal(syscall.SIGTERM); !errors.Is(err, ErrEnded) {
				t.Errorf("a signal after the end: %v", err)
			}
			if err := p.Stop(); !errors.Is(err, ErrEnded) {
				t.Errorf("a stop after the end: %v", err)
			}
		})
	}
}

func TestAProcessIsStopped(t *testing.T) {
	obedient := started(t, "trap 'echo bye; exit 0' TERM; echo ready; while :; do read forever || sleep 0.01; done")
	if _, err := obedient.Log.Await(Containing("ready"), 0); err != nil {
		t.Fatal(err)
	}
	if err := obedient.Stop(); err != nil || !strings.Contains(obedient.Log.String(), "bye") {
		t.Errorf("%v; it wrote %q", err, obedient.Log)
	}
	failing := started(t, "trap 'exit 1' TERM; echo ready; while :; do read forever || sleep 0.01; done")
	if _, err := failing.Log.Await(Containing("ready"), 0); err != nil {
		t.Fatal(err)
	}
	if err := failing.Stop(); !errors.Is(err, ErrEnding) {
		t.Errorf("a failure at the end: %v", err)
	}
}

func TestAServerSaysWhereItListens(t *testing.T) {
	for line, want := range map[string]string{
		`time=2026-01-01T00:00:00Z level=INFO msg=listening address=127.0.0.1:34567 data=x`: "127.0.0.1:34567",
		`{"time":"2026-01-01T00:00:00Z","msg":"listening","address":"127.0.0.1:34567"}`:     "127.0.0.1:34567",
		`level=INFO msg=listening address=[::1]:80`:                                         "[::1]:80",
	} {
		script := fmt.Sprintf("echo 'level=INFO msg=recovered address=other:1'; echo '%s'", line)
		server, err := Launch(exec.Command("sh", "-c", script))
		if err == nil {
			err = server.Listen()
		}
		if err != nil || server.Address != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestAServerThatDoesNotSayWhereItListensIsAnError(t *testing.T) {
	server, err := Launch(exec.Command("sh", "-c", "echo level=INFO msg=listening"))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); !errors.Is(err, ErrNoAddress) {
		t.Errorf("the error is %v", err)
	}
}

func TestSettingsMakeACommand(t *testing.T) {
	command := Settings{
		Program: "/server", Arguments: []string{"verify"}, Data: "/data", Tracer: []string{"/strace", "-f"},
		Inherited: []string{"PORT=4000", "HOME=/home"}, Environment: []string{"HOST=::1"},
	}.Command()
	if want := []string{"/strace", "-f", "/server", "verify"}; !slices.Equal(command.Args, want) {
		t.Errorf("the command is %q, want %q", command.Args, want)
	}
	have := map[string]string{}
	for _, variable := range command.Env {
		name, value, _ := strings.Cut(variable, "=")
		have[name] = value // the last one wins, as in exec.Cmd
	}
	for name, want := range map[string]string{"PORT": "0", "HOME": "/home", "HOST": "::1", "ADMIN_ADDR": "off", "DATA_DIR": "/data"} {
		if have[name] != want {
			t.Errorf("%s is %q, want %q", name, have[name], want)
		}
	}
}

func TestUntilAsksAgain(t *testing.T) {
	asked := 0
	if !Until(func() bool { asked++; return asked == 5 }) || asked != 5 {
		t.Errorf("asked %d times", asked)
	}
}
