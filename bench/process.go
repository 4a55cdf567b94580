package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child process that serves something. It is started, asked to
// end, and never left behind.
type process struct {
	name    string
	command *exec.Cmd
	log     *logTail
	exited  chan struct{}
	err     error // how it ended; read after exited is closed
}

const (
	// startPatience is how long a process may take until it serves: recovering
	// ten million counters takes seconds.
	startPatience = 60 * time.Second
	// stopPatience is how long a process may take to end before it is killed.
	stopPatience = 30 * time.Second
)

// startProcess starts a command and waits for the line of its output that ready
// recognizes. Both output streams are read, and their last lines kept for errors.
func startProcess(ctx context.Context, name string, command *exec.Cmd, ready func(line string) bool) (*process, error) {
	reader, writer := io.Pipe()
	command.Stdout = writer
	command.Stderr = writer
	// An interrupt at the terminal is for the harness, which then ends its children.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child := &process{name: name, command: command, log: &logTail{}, exited: make(chan struct{})}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	serving := make(chan struct{})
	go func() {
		child.err = command.Wait()
		writer.Close()
	}()
	go func() {
		child.readLog(reader, ready, serving)
		close(child.exited) // only now, so that the last lines are in its log
	}()
	select {
	case <-serving:
		return child, nil
	case <-child.exited:
		return nil, fmt.Errorf("%s ended before it served: %w\n%s", name, errors.Join(errEnded, child.err), child.log)
	case <-time.After(startPatience):
		return nil, errors.Join(fmt.Errorf("%s does not serve after %v\n%s", name, startPatience, child.log), child.stop())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), child.stop())
	}
}

// errEnded is returned for a process that ended by itself.
var errEnded = errors.New("process ended unasked")

// readLog closes serving at the first line that says so, and reads on to the end.
func (p *process) readLog(output io.Reader, ready func(line string) bool, serving chan<- struct{}) {
	waiting := true
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		p.log.add(lines.Text())
		if waiting && ready(lines.Text()) {
			waiting = false
			close(serving)
		}
	}
	_, _ = io.Copy(io.Discard, output) // an endless line must not block the child
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop asks the process to end and waits until it has. It is an error if the
// process had ended before, does not end in time, or reports a failure.
func (p *process) stop() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s: %w\n%s", p.name, errors.Join(errEnded, p.err), p.log)
	default:
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.exited:
	case <-time.After(stopPatience):
		err := p.command.Process.Kill()
		<-p.exited
		return errors.Join(fmt.Errorf("%s did not end within %v and was killed", p.name, stopPatience), err)
	}
	if p.err != nil {
		return fmt.Errorf("stop %s: %w\n%s", p.name, p.err, p.log)
	}
	return nil
}

// logTail keeps the last lines that a process wrote.
type logTail struct {
	mutex sync.Mutex
	lines []string
}

func (t *logTail) add(line string) {
	const kept = 20
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.lines = append(t.lines, line)
	if len(t.lines) > kept {
		t.lines = t.lines[1:]
	}
}

func (t *logTail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return strings.Join(t.lines, "\n")
}

// usage is what a process used since it was started.
type usage struct {
	cpu      time.Duration
	resident int64
	peak     int64
	written  int64
}

// usage reads what the process used so far. Where the system does not say, it
// returns errors.ErrUnsupported.
func (p *process) usage() (usage, error) {
	cpu, err := readCPUTime(p.pid())
	if err != nil {
		return usage{}, err
	}
	resident, peak, err := readMemory(p.pid())
	if err != nil {
		return usage{}, fmt.Errorf("memory of %s: %w", p.name, err)
	}
	written, err := readWrittenBytes(p.pid())
	if err != nil {
		return usage{}, fmt.Errorf("bytes written by %s: %w", p.name, err)
	}
	return usage{cpu: cpu, resident: resident, peak: peak, written: written}, nil
}
