package service

import (
	"log/slog"
	"math"
	"reflect"
	"runtime"
	"runtime/debug"
	"testing"

	"stats-recorder/httpapi"
)

// sum is all that a budget gives away.
func (b budget) sum() (total uint64) {
	shares := reflect.ValueOf(b)
	for i := range shares.NumField() {
		total += shares.Field(i).Uint()
	}
	return total
}

func TestNoMoreMemoryIsGivenAwayThanThereIs(t *testing.T) {
	for _, there := range []uint64{0, 1 << 20, 64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30, 64 << 30, 1 << 50} {
		if given := programBytes() + apportion(there).sum(); given > there/5*4 && apportion(there).sum() > 0 {
			t.Errorf("of %d MB, %d are given away, want four fifths at most", there>>20, given>>20)
		}
	}
}

func TestSettingsThatNobodyMakesFollowTheMemory(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	var less Config
	for _, there := range []uint64{64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30, 64 << 30} {
		config := DefaultConfig()
		config.Logger = slog.New(slog.DiscardHandler)
		config, err := config.fitInto(there)
		if err != nil {
			t.Fatalf("%d MB: %v", there>>20, err)
		}
		if config.MaxCounters < 10_000 || config.MaxCounters < less.MaxCounters || config.Bounds.AnswerBytes < less.Bounds.AnswerBytes ||
			config.Bounds.Connections < less.Bounds.Connections {
			t.Errorf("%d MB: %d counters, %d bytes of answers, %d connections: want no less than with less memory",
				there>>20, config.MaxCounters, config.Bounds.AnswerBytes, config.Bounds.Connections)
		}
		less = config
	}
	if less.MaxCounters != mostCounters || less.Bounds.AnswerBytes != httpapi.DefaultBounds().AnswerBytes {
		t.Errorf("64 GB: %d counters and %d bytes of answers, want no more than anybody needs", less.MaxCounters, less.Bounds.AnswerBytes)
	}
}

func TestASettingWinsOverTheMemory(t *testing.T) {
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	config := DefaultConfig()
	config.Logger = slog.New(slog.DiscardHandler)
	for name, value := range map[string]string{"max-counters": "5", "max-answer-bytes": "7", "max-connections": "9"} {
		for _, setting := range config.Settings() {
			if setting.Name != name {
				continue
			}
			if err := setting.Set("0"); err == nil {
				t.Errorf("%s takes 0", name)
			}
			if err := setting.Set(value); err != nil {
				t.Error(err)
			}
		}
	}
	config, err := config.fitInto(1 << 30)
	if err != nil || config.MaxCounters != 5 || config.Bounds.AnswerBytes != 7 || config.Bounds.Connections != 9 {
		t.Errorf("%d counters, %d bytes of answers, %d connections, %v; want 5, 7, 9", config.MaxCounters, config.Bounds.AnswerBytes, config.Bounds.Connections, err)
	}
}
