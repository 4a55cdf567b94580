package counters

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestIncrementsOfAnyKindAreSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, kind := range []struct {
		name string
		make func() increment
	}{
		{"any bits", func() increment { return increment(random.Uint64()) }},
		{"all the same", func() increment { return 1 << 63 }},
		{"the highest bit alone", func() increment { return increment(random.Uint64() & (1 << 63)) }},
		{"two bits far apart", func() increment { return increment(random.Uint64() & (1<<60 | 1)) }},
		{"few values", func() increment { return increment(random.Uint64N(7)) << 40 }},
		{"positions of a site", func() increment {
			place := random.Uint64N(3600)
			return newIncrement(Benefit(8*random.Uint64N(75)), Key((1+random.Uint64N(17))<<36|2<<20|place))
		}},
	} {
		for _, size := range []int{0, 1, 2, radixFrom - 1, radixFrom, 1000, 70000} {
			t.Run(fmt.Sprintf("%s, %d of them", kind.name, size), func(t *testing.T) {
				unsorted := make([]increment, size)
				for i := range unsorted {
					unsorted[i] = kind.make()
				}
				want := slices.Sorted(slices.Values(unsorted))
				got, _ := sortIncrements(unsorted, make([]increment, 3))
				if !slices.Equal(got, want) {
					t.Error("not sorted, or not the same increments")
				}
			})
		}
	}
}
