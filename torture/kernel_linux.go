package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cutPower makes the ext4 file system that is mounted at a path forget at once
// whatever it did not write to its device, its own journal's buffers too.
func cutPower(mountPoint string) error {
	const (
		ioctlShutdown   = 0x8004587d // FS_IOC_SHUTDOWN
		withoutLogFlush = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
	)
	directory, err := os.Open(mountPoint)
	if err != nil {
		return fmt.Errorf("cut the power: %w", err)
	}
	defer directory.Close()
	if err := unix.IoctlSetPointerInt(int(directory.Fd()), ioctlShutdown, withoutLogFlush); err != nil {
		return fmt.Errorf("cut the power of %q: %w", mountPoint, err)
	}
	return nil
}

// residentBytes is how much memory a process has in use.
func residentBytes(process int) (int64, error) {
	const pages = 1 // the second figure of statm(5)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", process))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", process, err)
	}
	fields := strings.Fields(string(text))
	if len(fields) <= pages {
		return 0, fmt.Errorf("read the memory of process %d: %q", process, text)
	}
	resident, err := strconv.ParseInt(fields[pages], 10, 64)
	return resident * int64(os.Getpagesize()), err
}

// limitFileSize makes a process unable to write beyond an offset of any file.
func limitFileSize(process int, bytes uint64) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(process, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		return fmt.Errorf("read the file size limit: %w", err)
	}
	limit.Cur = min(bytes, limit.Max)
	if err := unix.Prlimit(process, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("limit the file size to %d: %w", bytes, err)
	}
	return nil
}
