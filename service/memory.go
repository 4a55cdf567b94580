package service

import (
	"fmt"
	"runtime"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"stats-recorder/httpapi"
)

const (
	// assumedMemory is what is apportioned where the machine does not say what it has.
	assumedMemory = 1 << 30
	// memoryShare is the part of the memory that the heap may have before the
	// garbage collector works harder.
	memoryShare = 0.9
)

// fitMemory gives the settings that nobody has made what the memory allows, and
// compares the memory that clients can make the server take with the memory there is.
// It has the garbage collector keep to the memory, unless GOMEMLIMIT says otherwise,
// warns when clients can take more, and fails when even a single connection could.
func (c Config) fitMemory() (Config, error) {
	there, err := memoryThere()
	if err != nil {
		c.Logger.Debug("the machine does not say how much memory it has", "error", err)
		return c.followMemory(apportion(assumedMemory)).withinDescriptors(), nil
	}
	return c.fitInto(there)
}

// memoryThere is the memory that the process may have: the least that its control
// groups (version 1 or 2, those above it too) and the machine allow.
func memoryThere() (uint64, error) {
	machine, err := memlimit.FromSystem()
	group, unlimited := memlimit.FromCgroup()
	switch {
	case unlimited != nil:
		return machine, err
	case err != nil:
		return group, nil
	default:
		return min(group, machine), nil
	}
}

func (c Config) fitInto(there uint64) (Config, error) {
	c = c.followMemory(apportion(there)).withinDescriptors()
	demand := c.demand()
	if err := c.fitOne(demand, there); err != nil {
		return c, err
	}
	if _, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(there)), memlimit.WithRatio(memoryShare)); err != nil {
		c.Logger.Warn("the garbage collector has no limit", "error", err)
	}
	program, clients, counts := programBytes(), demand.WorstCase(), uint64(c.MaxCounters)*counterBytes
	if most := program + clients + counts; most > there {
		c.Logger.Warn("clients can make the server take more memory than there is: "+
			"lower MAX_CONNECTIONS, MAX_BODY_BYTES, MAX_ANSWER_BYTES or MAX_COUNTERS, or leave them to follow the memory",
			"most_mb", most>>20, "there_mb", there>>20, "clients_mb", clients>>20, "counters_mb", counts>>20)
	}
	return c, nil
}

// demand is what clients may make a server of this configuration hold.
func (c Config) demand() httpapi.Demand {
	return httpapi.Demand{
		Bounds: c.Bounds, MaxBodyBytes: c.MaxBodyBytes,
		Inflaters: c.inflaters, Readers: c.readers, RateLimited: c.RateLimit > 0,
	}
}

// fitOne fails if a single connection could take more than there is, and says what
// helps: a smaller body, if that is what takes it, else more memory.
func (c Config) fitOne(demand httpapi.Demand, there uint64) error {
	demand.Bounds.Connections, demand.Bounds.AnswerBytes = 1, 1
	least := programBytes() + demand.WorstCase()
	if least <= there {
		return nil
	}
	demand.MaxBodyBytes = 1
	if bare := programBytes() + demand.WorstCase(); bare > there {
		return fmt.Errorf("%w: the process may have %d MB of memory, and needs %d MB to begin with: give it more", ErrConfig, there>>20, bare>>20)
	}
	return fmt.Errorf("%w: MAX_BODY_BYTES: %d: one connection can take %d MB of memory, and there are %d MB; lower it, or give the process more memory",
		ErrConfig, c.MaxBodyBytes, least>>20, there>>20)
}

// programBytes is what the program takes when nobody talks to it: 19 MB with one
// processor, 24 MB with 64.
func programBytes() uint64 {
	return 20<<20 + uint64(runtime.GOMAXPROCS(0))*(256<<10)
}
