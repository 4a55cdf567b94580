package service

import (
	"fmt"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"stats-recorder/httpapi"
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
// memory there is, and has as many bodies inflated at one time as fit. It has the
// garbage collector keep to the memory, unless GOMEMLIMIT says otherwise, warns when
// clients can take more, and fails when even a single connection could.
func (c Config) fitMemory() (Config, error) {
	there, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		c.Logger.Debug("the machine does not say how much memory it has", "error", err)
		return c, nil
	}
	return c.fitInto(there)
}

func (c Config) fitInto(there uint64) (Config, error) {
	c.inflaters = httpapi.InflatersWithin(there)
	most := httpapi.Demand{
		Bounds: c.Bounds, MaxBodyBytes: c.MaxBodyBytes, MaxCounters: c.MaxCounters,
		Inflaters: c.inflaters, RateLimited: c.RateLimit > 0,
	}
	if err := c.fitOne(most, there); err != nil {
		return c, err
	}
	if _, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(there)), memlimit.WithRatio(memoryShare)); err != nil {
		c.Logger.Warn("the garbage collector has no limit", "error", err)
	}
	clients, counts := most.WorstCase(), uint64(c.MaxCounters)*counterBytes
	if most := baseBytes + clients + counts; most > there {
		c.Logger.Warn("clients can make the server take more memory than there is: "+
			"lower MAX_CONNECTIONS, MAX_BODY_BYTES, MAX_ANSWER_BYTES or MAX_COUNTERS",
			"most_mb", most>>20, "there_mb", there>>20, "clients_mb", clients>>20, "counters_mb", counts>>20)
	}
	return c, nil
}

// fitOne fails if a single connection could take more than there is, and says what
// helps: a smaller body, if that is what takes it, else more memory.
func (c Config) fitOne(demand httpapi.Demand, there uint64) error {
	demand.Bounds.Connections, demand.Bounds.AnswerBytes, demand.MaxCounters = 1, 1, 0
	least := baseBytes + demand.WorstCase()
	if least <= there {
		return nil
	}
	demand.MaxBodyBytes = 1
	if bare := baseBytes + demand.WorstCase(); bare > there {
		return fmt.Errorf("%w: the process may have %d MB of memory, and needs %d MB to begin with: give it more", ErrConfig, there>>20, bare>>20)
	}
	return fmt.Errorf("%w: MAX_BODY_BYTES: %d: one connection can take %d MB of memory, and there are %d MB; lower it, or give the process more memory",
		ErrConfig, c.MaxBodyBytes, least>>20, there>>20)
}
