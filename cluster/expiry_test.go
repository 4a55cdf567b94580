package cluster_test

import (
	"math/rand/v2"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/counters"
)

func TestADayHasExpiredOnceTwoNodesSaySo(t *testing.T) {
	t.Parallel()
	one, two, three := [16]byte{1}, [16]byte{2}, [16]byte{3}
	for name, c := range map[string]struct {
		said []cluster.Expiry
		want counters.Day
	}{
		"nobody says anything":              {},
		"one says so":                       {[]cluster.Expiry{{one, 100}}, 0},
		"one says so again and again":       {[]cluster.Expiry{{one, 100}, {one, 101}, {one, 102}}, 0},
		"two say so":                        {[]cluster.Expiry{{one, 100}, {two, 100}}, 100},
		"two disagree":                      {[]cluster.Expiry{{one, 100}, {two, 90}}, 90},
		"one of three is a year ahead":      {[]cluster.Expiry{{one, 500}, {two, 100}, {three, 100}, {two, 101}, {three, 101}}, 101},
		"one of three is a year behind":     {[]cluster.Expiry{{one, 1}, {two, 100}, {three, 100}}, 100},
		"one was ahead and says less since": {[]cluster.Expiry{{one, 500}, {one, 100}, {two, 99}}, 99},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // in whatever order
				rand.Shuffle(len(c.said), func(i, j int) { c.said[i], c.said[j] = c.said[j], c.said[i] })
				var expired cluster.Expired
				for _, said := range c.said {
					expired.Add(said)
				}
				if have := expired.Before(); have != c.want {
					t.Fatalf("%v: have %d, want %d", c.said, have, c.want)
				}
			}
		})
	}
}
