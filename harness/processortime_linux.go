package harness

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ProcessorTime returns the user and system time of a process so far, all of its
// threads together, those that ended too. The kernel's clock of a process counts
// in nanoseconds, where /proc/<pid>/stat counts in hundredths of a second.
func ProcessorTime(pid int) (time.Duration, error) {
	const schedulerClock = 2
	var value unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &value); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(value.Nano()), nil
}
