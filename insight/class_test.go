package insight_test

import (
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

func TestPlacesFallIntoTheirClasses(t *testing.T) {
	t.Parallel()
	for place, want := range map[uint16]int{
		0: 0, 1: 1, 31: 31, 32: 32, 33: 33, 34: 33, 35: 34, 38: 34, 39: 35, 42: 36, 46: 37, 50: 38, 54: 39, 59: 40,
		63: 40, 64: 41, 70: 42, 500: 64, 1000: 72, 1023: 72, 1024: 72, 65535: 72,
	} {
		if have := insight.Class(place); have != want {
			t.Errorf("the class of %d is %d, want %d", place, have, want)
		}
	}
}

func TestClassesFollowOneAnotherWithoutAGap(t *testing.T) {
	t.Parallel()
	next := uint16(0)
	for class := range insight.Classes {
		from, to := insight.ClassRange(class)
		if from != next || to < from {
			t.Fatalf("class %d is from %d to %d, want it to begin at %d", class, from, to, next)
		}
		for place := from; place <= to; place++ {
			if have := insight.Class(place); have != class {
				t.Errorf("the class of %d is %d, but its range says %d", place, have, class)
			}
		}
		next = to + 1
	}
	if next != counters.MaxPosition+1 {
		t.Errorf("the last class ends before %d, want %d", next, counters.MaxPosition+1)
	}
}
