package insight_test

import (
	"math"
	"testing"

	"stats-recorder/insight"
)

func TestNumbersAreWrittenAsTheStandardLibraryDoes(t *testing.T) {
	t.Parallel()
	for _, number := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1. / 3, 1e-6, 9.999e-7, 1e-9, -2.5e-10, 1e20, 1e21, 1.5e300, 5e-324, math.MaxFloat64, 123456789,
	} {
		if have, want := text(t, insight.Number(number)), text(t, number); have != want {
			t.Errorf("%s, want %s", have, want)
		}
		ends := insight.Interval{Lower: insight.Number(number), Upper: 1}
		if have, want := text(t, ends), text(t, [2]float64{number, 1}); have != want {
			t.Errorf("%s, want %s", have, want)
		}
	}
	if have := text(t, insight.RankInterval{First: 3, Last: 14}); have != "[3,14]" {
		t.Errorf("ranks 3 to 14 are %s", have)
	}
}
