package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pulse wakes one goroutine at an interval. It is a timer of the kernel's, which
// Go's poller waits for: the runtime's own timers are up to a millisecond late on
// an idle machine, which an open loop would take for the server's latency, and to
// sleep in the kernel takes a thread, and with it a place among the goroutines
// that run.
type pulse struct {
	timer *os.File
	beats [8]byte // how many there were; nobody asks
}

// newPulse returns a pulse that must be stopped.
func newPulse(interval time.Duration) (*pulse, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	every := unix.NsecToTimespec(int64(interval))
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("timerfd_settime", err)
	}
	return &pulse{timer: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// await returns at the next beat, or at once if there was one since the last call.
func (p *pulse) await() { _, _ = p.timer.Read(p.beats[:]) } // whoever waits looks at the clock too

func (p *pulse) stop() { p.timer.Close() }
