package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// settings say how to run the server. They are the same for each of its lives,
// but for what a scenario changes in between.
type settings struct {
	program          string
	directory        string // DATA_DIR
	durability       string
	snapshotInterval time.Duration
	// environment is added to the server's, "NAME=value".
	environment []string
	// tracer is a command that runs the command that follows it, and gives that
	// its own process.
	tracer []string
}

// server is one life of the server's program. Whoever starts one must end it:
// by kill, which may be called in any case.
type server struct {
	command *exec.Cmd
	output  *transcript
	exited  chan struct{}
	address string
}

// start runs the server and waits until it answers requests.
func (s settings) start() (*server, error) {
	life, err := s.launch()
	if err != nil {
		return nil, err
	}
	if err := life.listen(); err != nil {
		return nil, errors.Join(err, life.kill())
	}
	return life, nil
}

// launch runs the server and does not wait.
func (s settings) launch() (*server, error) {
	arguments := append(append([]string(nil), s.tracer...), s.program)
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT=0", "ADMIN_ADDR=off", "LOG_LEVEL=debug", "DATA_DIR="+s.directory,
		"DURABILITY="+s.durability, "SNAPSHOT_INTERVAL="+s.snapshotInterval.String(),
		"MAX_EVENT_AGE=0", "MAX_BENEFITS=1000000") // what clients send is of any age, with many names
	command.Env = append(command.Env, s.environment...)
	life := &server{command: command, output: newTranscript(), exited: make(chan struct{})}
	command.Stderr = life.output
	command.SysProcAttr = childAttributes()
	command.WaitDelay = patience
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.program, err)
	}
	go func() {
		_ = command.Wait() // ending says how it ended
		life.output.close()
		close(life.exited)
	}()
	return life, nil
}

// listen waits for the line that says where the server listens.
func (s *server) listen() error {
	line, _, err := s.output.await(`"msg":"listening"`, 0)
	if err != nil {
		return err
	}
	var attributes struct{ Address string }
	if err := json.Unmarshal([]byte(line), &attributes); err != nil || attributes.Address == "" {
		return fmt.Errorf("%w: no address in its log: %s", errBreach, line)
	}
	s.address = attributes.Address
	return nil
}

// kill ends the server without a chance to do anything, and waits until it has
// ended. It may have ended before.
func (s *server) kill() error {
	if err := s.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the server: %w", err)
	}
	_, err := s.wait()
	return err
}

// signal sends a signal to a server that must be alive.
func (s *server) signal(signal os.Signal) error {
	if err := s.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("send %v: %w; the server wrote:\n%s", signal, err, s.output.tail())
	}
	return nil
}

// ending is how a process ended: by exit status, or by a signal.
type ending struct {
	status int
	signal syscall.Signal
}

// String says it in words.
func (e ending) String() string {
	if e.signal != 0 {
		return "killed by " + e.signal.String()
	}
	return fmt.Sprintf("exit status %d", e.status)
}

// wait waits for the end of the server.
func (s *server) wait() (ending, error) {
	select {
	case <-s.exited:
	case <-time.After(patience):
		return ending{}, fmt.Errorf("%w: the server's end, in %v; it wrote:\n%s", errNotInTime, patience, s.output.tail())
	}
	status, ok := s.command.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return ending{status: s.command.ProcessState.ExitCode()}, nil
	}
	if status.Signaled() {
		return ending{signal: status.Signal()}, nil
	}
	return ending{status: status.ExitStatus()}, nil
}

// expect waits for the end of the server, which must be as told.
func (s *server) expect(want ending) error {
	got, err := s.wait()
	if err == nil && got != want {
		err = fmt.Errorf("%w: it ended with %v, want %v; it wrote:\n%s", errBreach, got, want, s.output.tail())
	}
	return err
}

// stop asks the server to end, which it must do without an error.
func (s *server) stop() error {
	if err := s.signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.expect(ending{status: 0})
}
