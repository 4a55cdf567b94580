package service

import "golang.org/x/sys/unix"

// storageOf asks the kernel, see statfs(2).
func storageOf(directory string) storage {
	var found unix.Statfs_t
	if unix.Statfs(directory, &found) != nil {
		return storage{}
	}
	s := storage{freeBytes: found.Bavail * uint64(found.Bsize), known: true}
	switch uint32(found.Type) {
	case unix.TMPFS_MAGIC:
		s.kind = "tmpfs"
	case unix.RAMFS_MAGIC:
		s.kind = "ramfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		s.kind = "overlay"
	}
	return s
}

// onFileSystemOf says whether two directories lie in one file system.
func onFileSystemOf(one, other string) bool {
	var a, b unix.Stat_t
	return unix.Stat(one, &a) == nil && unix.Stat(other, &b) == nil && a.Dev == b.Dev
}
