package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stats-recorder/service"
)

// TestMain removes the binary that tests have built.
func TestMain(m *testing.M) {
	defer os.RemoveAll(filepath.Dir(builtPath()))
	m.Run()
}

// builtPath is where the binary of this run of the tests is built, in a
// directory of its own.
var builtPath = sync.OnceValue(func() string {
	directory, err := os.MkdirTemp("", "stats-recorder-test-")
	if err != nil {
		panic(err)
	}
	return filepath.Join(directory, "stats-recorder")
})

// build builds the binary, the first time.
var build = sync.OnceValue(func() error {
	output, err := exec.Command("go", "build", "-buildvcs=false", "-o", builtPath(), "stats-recorder").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, output)
	}
	return nil
})

// built is the path of the binary, which is there.
func built(t testing.TB) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return builtPath()
}

// programCommand is the binary with the given environment, and none of the tests' own.
func programCommand(ctx context.Context, t testing.TB, environment, arguments []string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(ctx, built(t), arguments...)
	command.Env = slices.Concat([]string{"HOST=127.0.0.1", "PORT=0", "ADMIN_ADDR=off"}, environment)
	command.Dir = t.TempDir() // where the default DATA_DIR would be
	command.WaitDelay = patience
	return command
}

// outcome is what became of a run of the binary.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the binary to its end.
func run(t testing.TB, environment []string, arguments ...string) outcome {
	t.Helper()
	built(t) // takes its time, but not the program's
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := programCommand(ctx, t, environment, arguments)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%q with %q has not ended after %v:\n%s%s", arguments, environment, patience, &stdout, &stderr)
	}
	return outcome{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// expectRefusal requires exit code 1 and one line on stderr that says all of
// the given things, and nothing else anywhere.
func (o outcome) expectRefusal(t testing.TB, says ...string) {
	t.Helper()
	if o.code != 1 || o.stdout != "" || strings.Count(o.stderr, "\n") != 1 || !strings.HasPrefix(o.stderr, "stats-recorder: ") {
		t.Errorf("got exit code %d, stdout %q and stderr %q, want 1 and one line on stderr", o.code, o.stdout, o.stderr)
	}
	for _, part := range says {
		if !strings.Contains(o.stderr, part) {
			t.Errorf("the error is %q, want %q in it", o.stderr, part)
		}
	}
}

// program is a running server.
type program struct {
	*testServer
	process *os.Process
	log     *programLog
	ended   chan struct{} // closed once the process has ended
	state   *os.ProcessState
	started time.Time
}

// startProgram starts the binary on a directory and waits until it listens. It
// is killed at the end of the test, if it still runs then.
func startProgram(t testing.TB, directory string, environment []string, arguments ...string) *program {
	t.Helper()
	p := launch(t, directory, environment, arguments...)
	line, ok := p.log.await("listening", p.ended)
	if !ok {
		t.Fatalf("the server does not listen:\n%s", p.log)
	}
	p.reachAt(line.text(t, "address"))
	return p
}

// launch starts the binary on a directory.
func launch(t testing.TB, directory string, environment []string, arguments ...string) *program {
	t.Helper()
	settings := slices.Concat([]string{"DATA_DIR=" + directory}, environment)
	return launchCommand(t, programCommand(context.Background(), t, settings, arguments))
}

func launchCommand(t testing.TB, command *exec.Cmd) *program {
	t.Helper()
	p := &program{log: newProgramLog(), ended: make(chan struct{}), testServer: &testServer{t: t, config: service.DefaultConfig()}}
	command.Stderr = p.log
	p.started = time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p.process = command.Process
	go func() {
		command.Wait() // the state says what this returns
		p.state = command.ProcessState
		close(p.ended)
	}()
	t.Cleanup(func() { p.kill(t) })
	return p
}

// reachAt makes the helpers of testServer send to an address.
func (p *program) reachAt(address string) {
	p.address, p.URL = address, "http://"+address
	p.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: patience}
	p.t.Cleanup(p.client.CloseIdleConnections)
}

// end sends a signal and returns how the process ended.
func (p *program) end(t testing.TB, signal os.Signal) *os.ProcessState {
	t.Helper()
	if err := p.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("the server has not ended %v after %v:\n%s", patience, signal, p.log)
	}
	return p.state
}

func (p *program) kill(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGKILL)
}

// terminate ends the server as a supervisor does and requires exit code 0.
func (p *program) terminate(t testing.TB) {
	t.Helper()
	if state := p.end(t, syscall.SIGTERM); state.ExitCode() != 0 {
		t.Errorf("after SIGTERM: %v:\n%s", state, p.log)
	}
}

// programLog is the log of a running program.
type programLog struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed and replaced when there is more
}

func newProgramLog() *programLog { return &programLog{grown: make(chan struct{})} }

func (l *programLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.grown)
	l.grown = make(chan struct{})
	return l.text.Write(p)
}

func (l *programLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logLine is one line of the log by attribute.
type logLine map[string]any

// text is an attribute that must be a string.
func (l logLine) text(t testing.TB, name string) string {
	t.Helper()
	text, ok := l[name].(string)
	if !ok {
		t.Errorf("%q is %v in the line %v, want a string", name, l[name], l)
	}
	return text
}

// lines are the whole lines so far, those that are not JSON as their message.
func (l *programLog) lines() (lines []logLine, grown <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range strings.Lines(l.text.String()) {
		if !strings.HasSuffix(text, "\n") {
			break
		}
		var line logLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			line = logLine{"msg": strings.TrimSpace(text)}
		}
		lines = append(lines, line)
	}
	return lines, l.grown
}

// await returns the first line with a message, as soon as it is there, or false
// when the program has ended, or patience has, without one.
func (l *programLog) await(message string, ended <-chan struct{}) (logLine, bool) {
	timeout := time.After(patience)
	for over := false; ; {
		lines, grown := l.lines()
		at := slices.IndexFunc(lines, func(line logLine) bool { return line["msg"] == message })
		if at >= 0 {
			return lines[at], true
		}
		if over {
			return nil, false
		}
		select {
		case <-grown:
		case <-ended:
			over = true
		case <-timeout:
			over = true
		}
	}
}
