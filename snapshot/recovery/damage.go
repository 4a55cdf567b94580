package recovery

import (
	"errors"
	"io/fs"
	"slices"

	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
)

// IsDamage says whether an error of reading a file is about the file: what it holds is
// not what was written, or was written for another directory, the disk cannot read it, or
// it is gone. Then it can only be done without. Any other error may not come again, or is of a newer program's file.
func IsDamage(err error) bool {
	return disk.Lost(err) || slices.ContainsFunc([]error{
		format.ErrNotOurs, format.ErrTruncated, format.ErrChecksum, format.ErrMalformed, format.ErrForeign, fs.ErrNotExist,
	}, func(damage error) bool { return errors.Is(err, damage) })
}
