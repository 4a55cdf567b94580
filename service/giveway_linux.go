package service

import "golang.org/x/sys/unix"

// giveWay lets the threads run that wait for the processor of this one. The call is one
// that may take long, for Go to know that the goroutine need not be waited for.
func giveWay() { _, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
