package counters

import (
	"cmp"
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

func TestWordsOfAnyKeysAreSortedByThem(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	byKey := func(a, b uint64) int { return cmp.Compare(a>>countBits, b>>countBits) }
	for _, keys := range []uint64{1<<keyBits - 1, 1<<36 | 1<<10 | 1, 0x3f, 0} {
		for _, size := range []int{0, 1, radixFrom - 1, radixFrom, 5000} {
			unsorted := make([]uint64, size)
			for i := range unsorted {
				unsorted[i] = (random.Uint64()&keys)<<countBits | random.Uint64N(countMask)
			}
			want := slices.Sorted(slices.Values(unsorted))
			got, _ := sortWords(unsorted, nil)
			if !slices.IsSortedFunc(got, byKey) {
				t.Errorf("%d words of keys within %#x are not sorted by key", size, keys)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%d words of keys within %#x are others once they are sorted", size, keys)
			}
		}
	}
}

// someWords are words of counters of one benefit, each of another key, in the order of a hash
// table: on pages from thirty results on, of seventeen event types.
func someWords(random *rand.Rand, size int) []uint64 {
	words := make([]uint64, 0, size)
	for total := 30; len(words) < size; total++ {
		for place := 0; place < 17*30 && len(words) < size; place++ {
			key, _ := KeyAt(EventType(1+place/30), 2, uint32(total<<10|(1+place%30)))
			words = append(words, uint64(key)<<countBits|random.Uint64N(9))
		}
	}
	random.Shuffle(size, func(i, j int) { words[i], words[j] = words[j], words[i] })
	return words
}

// BenchmarkSortWords sorts the words of benefits with so many counters.
func BenchmarkSortWords(b *testing.B) {
	for _, size := range []int{16, 64, 96, 167, 1667, 16_667, 131_072} {
		b.Run(fmt.Sprintf("counters=%d", size), func(b *testing.B) {
			random := rand.New(rand.NewPCG(5, 6))
			var all [][]uint64
			for range max(1, 100_000/size) { // so many that none is learned by heart
				all = append(all, someWords(random, size))
			}
			unsorted, scratch := make([]uint64, size), make([]uint64, size)
			n := 0
			for b.Loop() {
				copy(unsorted, all[n%len(all)])
				_, _ = sortWords(unsorted, scratch)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*size), "ns/counter")
		})
	}
}
