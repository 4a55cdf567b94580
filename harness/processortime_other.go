//go:build !linux

package harness

import (
	"errors"
	"time"
)

// ProcessorTime is not known here: the error is errors.ErrUnsupported.
func ProcessorTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
