package service

import (
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"
)

// These tests change the limit of the whole process, so they are not parallel.

func TestTheMemoryThatIsThereIsTheGarbageCollectorsLimit(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	config := DefaultConfig()
	config.Logger = slog.New(slog.DiscardHandler)
	if err := config.fitInto(10 << 30); err != nil {
		t.Fatal(err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != int64(10<<30)/10*9 {
		t.Errorf("the limit is %d, want nine tenths of 10 GB", limit)
	}
	debug.SetMemoryLimit(5 << 30)
	t.Setenv("GOMEMLIMIT", "5GiB")
	if err := config.fitInto(10 << 30); err != nil {
		t.Fatal(err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != 5<<30 {
		t.Errorf("the limit is %d, want that of GOMEMLIMIT", limit)
	}
}

func TestAWorstCaseThatDoesNotFitIsToldWithTheSettingsToLower(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	for _, test := range []struct {
		there   uint64
		change  func(*Config)
		warns   bool
		refuses bool
	}{
		{there: 64 << 30},
		{there: 1 << 30, warns: true},
		{there: 1 << 30, change: func(c *Config) { c.Bounds.Connections, c.MaxCounters, c.Bounds.AnswerBytes = 512, 1_000_000, 64<<20 }},
		{there: 64 << 30, change: func(c *Config) { c.MaxBodyBytes = 64 << 20 }, warns: true},
		{there: 64 << 30, change: func(c *Config) { c.MaxCounters = 2_000_000_000 }, warns: true},
		{there: 1 << 30, change: func(c *Config) { c.MaxBodyBytes = 512 << 20 }, refuses: true},
		{there: 16 << 20, refuses: true},
	} {
		var log strings.Builder
		config := DefaultConfig()
		config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		if test.change != nil {
			test.change(&config)
		}
		err := config.fitInto(test.there)
		if errors.Is(err, ErrConfig) != test.refuses {
			t.Errorf("%+v: %v", test, err)
		}
		warned := strings.Contains(log.String(), "MAX_CONNECTIONS, MAX_BODY_BYTES, MAX_ANSWER_BYTES or MAX_COUNTERS")
		if warned != test.warns {
			t.Errorf("%+v: the log is %q", test, &log)
		}
	}
}
