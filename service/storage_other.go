//go:build !linux

package service

// storageOf knows nothing on this system.
func storageOf(string) storage { return storage{} }

// onFileSystemOf is for platforms, which are Linux.
func onFileSystemOf(_, _ string) bool { return false }
