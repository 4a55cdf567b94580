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

// readNow reads from a socket, without waiting. The buffer must not be empty. Receiving from a
// socket takes the kernel less than reading from any descriptor.
func readNow(fd int, buffer []byte) (int, error) {
	return now(unix.SYS_RECVFROM, fd, unsafe.Pointer(&buffer[0]), len(buffer), unix.MSG_DONTWAIT)
}

// writeNow writes to a socket as much as goes, without waiting.
func writeNow(fd int, content []byte) (int, error) {
	if len(content) == 0 || len(content) > mostNow {
		return uninterrupted(func() (int, error) { return unix.Write(fd, content) })
	}
	return now(unix.SYS_SENDTO, fd, unsafe.Pointer(&content[0]), len(content), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// epollNow returns how many events there are already. There must be room for some.
func epollNow(fd int, events []unix.EpollEvent) (int, error) {
	return now(unix.SYS_EPOLL_PWAIT, fd, unsafe.Pointer(&events[0]), len(events), 0)
}

// now calls with a descriptor, memory, its size, a number, and zeros. A signal does not
// interrupt what does not wait.
func now(call uintptr, fd int, memory unsafe.Pointer, size int, number uintptr) (int, error) {
	n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(memory), uintptr(size), number, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
