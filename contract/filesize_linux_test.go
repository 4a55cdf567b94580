package contract

import (
	"testing"

	"golang.org/x/sys/unix"
)

// limitFileSize sets the size that files of a process may grow to.
func limitFileSize(t *testing.T, process int, size uint64) {
	t.Helper()
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(process, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}
