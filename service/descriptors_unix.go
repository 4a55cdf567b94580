//go:build unix

package service

import "syscall"

// maxDescriptors is how many files and connections the process may have open.
func maxDescriptors() (n uint64, known bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), err == nil
}
