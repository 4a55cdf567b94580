package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// readMemory returns the resident bytes of a process, now and at the most.
func readMemory(pid int) (resident, peak int64, err error) {
	fields, err := readProcFields(fmt.Sprintf("/proc/%d/status", pid))
	return fields["VmRSS"] << 10, fields["VmHWM"] << 10, err
}

// readWrittenBytes returns what a process had written to storage so far: whole
// blocks of the file system, and a block again each time it is synced anew.
func readWrittenBytes(pid int) (int64, error) {
	fields, err := readProcFields(fmt.Sprintf("/proc/%d/io", pid))
	return fields["write_bytes"], err
}

// readProcFields reads the numbers of a file of lines "name: number".
func readProcFields(path string) (map[string]int64, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := map[string]int64{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		if parsed, err := strconv.ParseInt(number, 10, 64); err == nil {
			fields[name] = parsed
		}
	}
	return fields, nil
}

// readForeignTime returns the processor time that everything but this program
// and its ended children used since the system started.
func readForeignTime() (time.Duration, error) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	var user, nice, system, idle, wait, interrupts, softInterrupts int64
	if _, err := fmt.Sscanf(string(content), "cpu %d %d %d %d %d %d %d",
		&user, &nice, &system, &idle, &wait, &interrupts, &softInterrupts); err != nil {
		return 0, fmt.Errorf("/proc/stat: %w", err)
	}
	const tick = time.Second / 100
	foreign := time.Duration(user+nice+system+interrupts+softInterrupts) * tick
	for _, whose := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var own unix.Rusage
		if err := unix.Getrusage(whose, &own); err != nil {
			return 0, fmt.Errorf("own processor time: %w", err)
		}
		foreign -= time.Duration(own.Utime.Nano() + own.Stime.Nano())
	}
	return foreign, nil
}

// isMemoryFileSystem tells whether files there are kept in memory, where making
// them durable costs nothing and means nothing.
func isMemoryFileSystem(directory string) bool {
	var system unix.Statfs_t
	err := unix.Statfs(directory, &system)
	return err == nil && (system.Type == unix.TMPFS_MAGIC || system.Type == unix.RAMFS_MAGIC)
}
