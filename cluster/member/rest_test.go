package member

import (
	"testing"
	"time"
)

func TestAStateOfAnySizeIsFollowedByARestInProportionToIt(t *testing.T) {
	t.Parallel()
	for _, megabytes := range []int64{0, 1, 1 << 10, 20 << 10, 1 << 20} {
		rest, want := restAfter(megabytes<<20), time.Duration(megabytes)*time.Second
		if rest > want || rest < want*99/100 {
			t.Errorf("after %d megabytes the rest is %v, want about %v", megabytes, rest, want)
		}
	}
}
