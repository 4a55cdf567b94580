package conn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls here never wait, so that they do without what Go does around a call that
// may: it counts a goroutine in a call for longer than 20 µs as one that waits, and has
// another thread take its place among those that run. Package unix has no such variants.

// mostNow is how much is written in one such call: what a thread copies of it, no collection
// of garbage can stop.
const mostNow = 64 << 10

// readNow reads from a descriptor that does not block. The buffer must not be empty.
func readNow(fd int, buffer []byte) (int, error) {
	return now(unix.SYS_READ, fd, unsafe.Pointer(&buffer[0]), len(buffer))
}

// writeNow writes to a descriptor that does not block, as much as goes.
func writeNow(fd int, content []byte) (int, error) {
	if len(content) == 0 || len(content) > mostNow {
		return uninterrupted(func() (int, error) { return unix.Write(fd, content) })
	}
	return now(unix.SYS_WRITE, fd, unsafe.Pointer(&content[0]), len(content))
}

// epollNow returns how many events there are already. There must be room for some.
func epollNow(fd int, events []unix.EpollEvent) (int, error) {
	return now(unix.SYS_EPOLL_PWAIT, fd, unsafe.Pointer(&events[0]), len(events))
}

// now calls with a descriptor, memory, its size, and zeros. A signal does not interrupt what
// does not wait.
func now(call uintptr, fd int, memory unsafe.Pointer, size int) (int, error) {
	n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(memory), uintptr(size), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
