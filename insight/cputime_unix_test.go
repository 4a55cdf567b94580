//go:build unix

package insight_test

import (
	"syscall"
	"time"
)

// cpuTime is how long the process has been on a processor. Bounds are of it and
// not of the clock, which other processes turn too.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
