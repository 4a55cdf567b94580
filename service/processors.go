package service

import (
	"os"
	"runtime"
)

// AddProcessor has Go run one goroutine more at a time than there are processors.
// The one that commits spends most of its time in a system call that waits for the
// disk. Go counts it as running until its monitor looks; meanwhile an event loop
// that has something to do waits for its place, and when the disk has answered,
// it waits for a place itself. docs/performance.md has the figures.
//
// The process calls it once, after everything that is sized by the number of
// processors has been made. Go then no longer follows a limit of processors that
// changes while it runs. A GOMAXPROCS that is set stays as it is.
func AddProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
