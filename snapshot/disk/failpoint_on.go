//go:build failpoints

package disk

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Failpoint is the environment variable that says where a binary built with the
// tag failpoints kills itself: "journal.sync.before:3" is the third time that
// it is about to sync a journal. "list" writes each place to standard error
// instead, once for every time it is reached.
const Failpoint = "STATS_RECORDER_FAILPOINT"

var failpoint = sync.OnceValues(func() (place string, left *int) {
	place, count, _ := strings.Cut(os.Getenv(Failpoint), ":")
	times, err := strconv.Atoi(count)
	if err != nil {
		times = 1
	}
	return place, &times
})

// SyncDelay is the environment variable that says how long such a binary takes for
// each sync more than the disk does, such as "10ms": for a disk that is slow.
const SyncDelay = "STATS_RECORDER_SYNC_DELAY"

var syncDelay = sync.OnceValue(func() time.Duration {
	delay, _ := time.ParseDuration(os.Getenv(SyncDelay))
	return delay
})

var failpointMutex sync.Mutex

func reach(here string) {
	if strings.HasSuffix(here, ".sync.before") {
		time.Sleep(syncDelay())
	}
	place, left := failpoint()
	if place == "list" {
		fmt.Fprintln(os.Stderr, "failpoint", here)
	}
	if place != here {
		return
	}
	failpointMutex.Lock()
	defer failpointMutex.Unlock()
	if *left--; *left == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
