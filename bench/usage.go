package main

import (
	"fmt"
	"time"

	"stats-recorder/harness"
)

// usage is what a process used since it was started.
type usage struct {
	cpu      time.Duration
	resident int64
	peak     int64
	written  int64
}

// readUsage reads what a process used so far. Where the system does not say, it
// returns errors.ErrUnsupported.
func readUsage(pid int) (usage, error) {
	cpu, err := harness.ProcessorTime(pid)
	if err != nil {
		return usage{}, err
	}
	resident, peak, err := readMemory(pid)
	if err != nil {
		return usage{}, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	written, err := readWrittenBytes(pid)
	if err != nil {
		return usage{}, fmt.Errorf("bytes written by process %d: %w", pid, err)
	}
	return usage{cpu: cpu, resident: resident, peak: peak, written: written}, nil
}
