package service

import (
	"math"
	"os"
)

// leastFreeBytes is the free space below which a start warns.
const leastFreeBytes = 512 << 20

// A storage is the file system that the data directory lies in.
type storage struct {
	// kind is the name of a kind of file system that does not outlive the machine
	// or the container; empty for any other.
	kind string
	// freeBytes is the space that the process may still use.
	freeBytes uint64
	// known is false where the system does not say.
	known bool
}

// warnOfStorage warns of a data directory that will not be there tomorrow, or has
// little room.
func warnOfStorage(config Config) {
	logger, directory := config.Logger, config.DataDir
	s := storageOf(directory)
	kind := s.kind
	if config.parsed.backup != nil {
		kind = "" // what is lost with it is said where backups begin
	}
	switch kind {
	case "tmpfs", "ramfs":
		logger.Warn("DATA_DIR is in memory: every count is lost when the machine or the container ends; give it a disk, or a BACKUP_URL",
			"data_dir", directory, "file_system", kind)
	case "overlay":
		logger.Warn("DATA_DIR is in the container's own layer: every count is lost when the container is replaced; give it a volume, or a BACKUP_URL",
			"data_dir", directory, "file_system", kind)
	}
	if config.parsed.backup == nil {
		warnOfPlatform(logger, directory, os.Environ())
	}
	if s.known && s.freeBytes < leastFreeBytes {
		logger.Warn("there is little free space for DATA_DIR: records get 503 when it is full",
			"data_dir", directory, "free_mb", s.freeBytes>>20)
	}
}

// freeBytes is the space that is left, -1 where the system does not say.
func freeBytes(directory string) int64 {
	if s := storageOf(directory); s.known {
		return int64(min(s.freeBytes, math.MaxInt64))
	}
	return -1
}
