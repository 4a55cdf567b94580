package service

import (
	"errors"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// These tests change the limit of the whole process, so they are not parallel.

func TestTheMemoryThatIsThereIsTheGarbageCollectorsLimit(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	config := DefaultConfig()
	config.Logger = slog.New(slog.DiscardHandler)
	if _, err := config.fitInto(10 << 30); err != nil {
		t.Fatal(err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != int64(10<<30)/10*9 {
		t.Errorf("the limit is %d, want nine tenths of 10 GB", limit)
	}
	debug.SetMemoryLimit(5 << 30)
	t.Setenv("GOMEMLIMIT", "5GiB")
	if _, err := config.fitInto(10 << 30); err != nil {
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
		{there: 1 << 30},
		{there: 512 << 20},
		{there: 256 << 20},
		{there: 128 << 20},
		{there: 128 << 20, change: func(c *Config) { c.MaxCounters = 20_000_000 }, warns: true},
		{there: 1 << 30, change: func(c *Config) { c.Bounds.Connections, c.MaxCounters, c.Bounds.AnswerBytes = 512, 1_000_000, 64<<20 }},
		{there: 64 << 30, change: func(c *Config) { c.MaxBodyBytes = 64 << 20 }},
		{there: 64 << 30, change: func(c *Config) { c.MaxBodyBytes, c.Bounds.Connections = 64<<20, 4096 }, warns: true},
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
		_, err := config.fitInto(test.there)
		if errors.Is(err, ErrConfig) != test.refuses {
			t.Errorf("%+v: %v", test, err)
		}
		warned := strings.Contains(log.String(), "MAX_CONNECTIONS, MAX_BODY_BYTES, MAX_ANSWER_BYTES or MAX_COUNTERS")
		if warned != test.warns {
			t.Errorf("%+v: the log is %q", test, &log)
		}
	}
}

func TestAsManyKeysAreRememberedAsFitTheMemoryUnlessASettingSays(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	for _, test := range []struct {
		there     uint64
		set, want int
	}{{128 << 20, 0, 25_000}, {512 << 20, 0, 120_000}, {8 << 30, 0, 1_000_000}, {128 << 20, 2_000_000, 2_000_000}} {
		config := DefaultConfig()
		config.Logger, config.IdempotencyKeys = slog.New(slog.DiscardHandler), test.set
		fitted, err := config.fitInto(test.there)
		if got := fitted.IdempotencyKeys; err != nil || got < test.want || got > test.want+test.want/5 {
			t.Errorf("%+v: %d keys, %v", test, fitted.IdempotencyKeys, err)
		}
	}
}

// TestManyProcessorsDoNotKeepASmallMachineFromStarting has processors whose bodies
// would not fit if each inflated two.
func TestManyProcessorsDoNotKeepASmallMachineFromStarting(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	for _, there := range []uint64{64 << 20, 128 << 20, 256 << 20, 512 << 20} {
		config := DefaultConfig()
		config.Logger = slog.New(slog.DiscardHandler)
		fitted, err := config.fitInto(there)
		if err != nil || fitted.inflaters < 1 || uint64(fitted.inflaters)*9<<20 > max(there/8, 9<<20) {
			t.Errorf("%d MB: %d bodies are inflated at one time, %v", there>>20, fitted.inflaters, err)
		}
	}
}

func TestARefusalForWantOfMemoryNamesWhatHelps(t *testing.T) {
	config := DefaultConfig()
	config.Logger = slog.New(slog.DiscardHandler)
	if _, err := config.fitInto(16 << 20); !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "MAX_BODY_BYTES") {
		t.Errorf("%v: no setting can mend that", err)
	}
	config.MaxBodyBytes = 1 << 30
	if _, err := config.fitInto(256 << 20); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "MAX_BODY_BYTES: 1073741824: one connection can take 3") {
		t.Errorf("%v, want MAX_BODY_BYTES and some 3,000 MB", err)
	}
}
