package main

import (
	"slices"
	"testing"
)

func TestAcknowledgedCountsWalksLikeSteppingThem(t *testing.T) {
	shape := testShape()
	shape.counters = 200
	traffic := mustBuild(t, shape)
	walks := newWalks(traffic, 3)
	want := make([]int64, traffic.count())
	for position, steps := range []int{0, 5, 3*traffic.count() + 2} {
		for range steps {
			want[walks[position].number(0)]++
			walks[position].sent++
		}
	}
	if have := acknowledged(traffic, walks); !slices.Equal(have, want) {
		t.Fatalf("have %v, want %v", have, want)
	}
}
