package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

var (
	// ErrEnded means that a process ended before it did what was waited for.
	ErrEnded = errors.New("the process ended first")
	// ErrNotInTime means that something did not happen within Patience.
	ErrNotInTime = errors.New("did not happen in time")
	// ErrEnding means that a process ended in another way than it must.
	ErrEnding = errors.New("the process ended in the wrong way")
)

// Process is a running command and its log. Whoever starts one must end it, by Stop
// or by Kill. Its methods may be called by several goroutines.
type Process struct {
	// Log is what the command wrote, to both of its streams.
	Log *Log

	command *exec.Cmd
	ended   chan struct{} // closed when the process has ended and its log is complete
}

// Start starts a command. What it writes goes to the process's log, unless the caller
// has given the stream a destination of its own. On Linux it dies with this process.
func Start(command *exec.Cmd) (*Process, error) {
	p := &Process{Log: newLog(), command: command, ended: make(chan struct{})}
	if command.Stdout == nil {
		command.Stdout = p.Log
	}
	if command.Stderr == nil {
		command.Stderr = p.Log
	}
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	bindToParent(command.SysProcAttr)
	command.WaitDelay = Patience
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %q: %w", command.Path, err)
	}
	go func() {
		_ = command.Wait() // the ending says how it ended
		p.Log.close()
		close(p.ended)
	}()
	return p, nil
}

// ID is the number that the system knows the process by.
func (p *Process) ID() int { return p.command.Process.Pid }

// Signal sends a signal to a process that must be alive: otherwise the error wraps
// ErrEnded.
func (p *Process) Signal(signal os.Signal) error {
	err := p.command.Process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		err = ErrEnded
	}
	if err != nil {
		return fmt.Errorf("send %v to %q: %w; it wrote:\n%s", signal, p.command.Path, err, p.Log.Tail())
	}
	return nil
}

// Wait waits for the end of the process and says how it ended.
func (p *Process) Wait() (Ending, error) {
	select {
	case <-p.ended:
	case <-time.After(Patience):
		return Ending{}, fmt.Errorf("%w: the end of %q, in %v; it wrote:\n%s", ErrNotInTime, p.command.Path, Patience, p.Log.Tail())
	}
	status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return Ending{Status: p.command.ProcessState.ExitCode()}, nil
	}
	if status.Signaled() {
		return Ending{Signal: status.Signal()}, nil
	}
	return Ending{Status: status.ExitStatus()}, nil
}

// Expect waits for the end of the process. The error wraps ErrEnding if it is not as
// told.
func (p *Process) Expect(want Ending) error {
	have, err := p.Wait()
	if err == nil && have != want {
		err = fmt.Errorf("%w: %q: %v, want %v; it wrote:\n%s", ErrEnding, p.command.Path, have, want, p.Log.Tail())
	}
	return err
}

// Stop asks the process to end, as a supervisor does, and waits until it has. It is an
// error if the process had ended before, does not end in time (then it is killed), or
// ends with a failure.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := p.Expect(Ending{})
	if errors.Is(err, ErrNotInTime) {
		err = errors.Join(err, p.Kill())
	}
	return err
}

// Kill ends the process without a chance to do anything, and waits until it has ended.
// It may have ended before.
func (p *Process) Kill() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %q: %w", p.command.Path, err)
	}
	_, err := p.Wait()
	return err
}

// Ending is how a process ended: by an exit status or by a signal. The zero value is
// success.
type Ending struct {
	Status int
	Signal syscall.Signal
}

// String says it in words.
func (e Ending) String() string {
	if e.Signal != 0 {
		return "killed by " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.Status)
}
