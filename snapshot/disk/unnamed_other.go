//go:build !linux

package disk

import "os"

// Unnamed makes a file without a name in a directory. It is gone once it is closed, or
// the process is.
func Unnamed(directory string) (*os.File, error) { return nameless(directory) }
