package service

import (
	"fmt"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// baseBytes is what the program takes when nobody talks to it.
	baseBytes = 32 << 20
	// counterBytes is what a counter takes in memory: 13 to 17 bytes, see
	// BenchmarkMillionCounters, and as many where a table grows.
	counterBytes = 32
	// memoryShare is the part of the memory that the heap may have before the
	// garbage collector works harder.
	memoryShare = 0.9
)

// fitMemory compares the memory that clients can make the server take with the
// memory there is. It has the garbage collector keep to the latter, unless
// GOMEMLIMIT says otherwise, warns when the former is more, and fails when even a
// single connection could take more.
func (c Config) fitMemory() error {
	there, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		c.Logger.Debug("the machine does not say how much memory it has", "error", err)
		return nil
	}
	return c.fitInto(there)
}

func (c Config) fitInto(there uint64) error {
	one := c.Bounds
	one.Connections, one.AnswerBytes = 1, 1
	if least := baseBytes + one.WorstCase(c.MaxBodyBytes, 0); least > there {
		return fmt.Errorf("%w: MAX_BODY_BYTES: %d: one connection can take %d MB of memory, and there are %d MB",
			ErrConfig, c.MaxBodyBytes, least>>20, there>>20)
	}
	if _, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(there)), memlimit.WithRatio(memoryShare)); err != nil {
		c.Logger.Warn("the garbage collector has no limit", "error", err)
	}
	clients := c.Bounds.WorstCase(c.MaxBodyBytes, c.MaxCounters)
	counts := uint64(c.MaxCounters) * counterBytes
	if most := baseBytes + clients + counts; most > there {
		c.Logger.Warn("clients can make the server take more memory than there is: "+
			"lower MAX_CONNECTIONS, MAX_BODY_BYTES, MAX_ANSWER_BYTES or MAX_COUNTERS",
			"most_mb", most>>20, "there_mb", there>>20, "clients_mb", clients>>20, "counters_mb", counts>>20)
	}
	return nil
}
