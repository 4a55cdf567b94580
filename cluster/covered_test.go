package cluster_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/cluster"
	"stats-recorder/counters/storetest"
)

// frames is a vector as a plain set.
type frames map[cluster.Origin]map[uint64]bool

func (f frames) add(origin cluster.Origin, sequence uint64) (isNew bool) {
	if f[origin] == nil {
		f[origin] = map[uint64]bool{}
	}
	isNew = !f[origin][sequence]
	f[origin][sequence] = true
	return isNew
}

// check holds a vector to the set of the same frames.
func (f frames) check(t *testing.T, covered *cluster.Covered, most uint64) {
	t.Helper()
	if len(covered.Origins()) != len(f) {
		t.Fatalf("the vector has %d origins, want %d", len(covered.Origins()), len(f))
	}
	for origin, have := range f {
		upTo, highest, missing := uint64(0), uint64(0), map[uint64]bool{}
		for sequence := uint64(1); sequence <= most; sequence++ {
			if covered.Contains(origin, sequence) != have[sequence] {
				t.Fatalf("the vector contains %d: %t, want %t", sequence, !have[sequence], have[sequence])
			}
			if have[sequence] {
				highest = sequence
				if upTo == sequence-1 {
					upTo = sequence
				}
			}
		}
		for sequence := upTo + 1; sequence < highest; sequence++ {
			if !have[sequence] {
				missing[sequence] = true
			}
		}
		for _, interval := range covered.Missing(origin) {
			for sequence := interval.First; sequence <= interval.Last; sequence++ {
				if !missing[sequence] {
					t.Fatalf("%d is missing, but the vector has it", sequence)
				}
				delete(missing, sequence)
			}
		}
		if covered.UpTo(origin) != upTo || covered.Highest(origin) != highest || len(missing) > 0 {
			t.Fatalf("the vector goes up to %d, its highest is %d and it does not miss %v, want %d, %d and nothing",
				covered.UpTo(origin), covered.Highest(origin), missing, upTo, highest)
		}
	}
}

// randomVector is some frames of some origins, in random order and with repetitions.
func randomVector(random *rand.Rand, origins []cluster.Origin, most uint64) (*cluster.Covered, frames) {
	covered, set := &cluster.Covered{}, frames{}
	covered.Position = cluster.Position{Epoch: cluster.Epoch{byte(random.Uint32())}, Sequence: random.Uint64N(1000)}
	for range random.IntN(200) {
		origin := origins[random.IntN(len(origins))]
		sequence := 1 + random.Uint64N(most)
		covered.Add(origin, sequence)
		set.add(origin, sequence)
	}
	return covered, set
}

func someOrigins() []cluster.Origin {
	return []cluster.Origin{cluster.NewOrigin(), cluster.NewOrigin(), cluster.NewOrigin()}
}

func TestAVectorHasTheFramesThatWereAddedInAnyOrder(t *testing.T) {
	t.Parallel()
	random, origins := storetest.Random(t), someOrigins()
	for range 300 {
		covered, set, most := &cluster.Covered{}, frames{}, 1+random.Uint64N(60)
		for range random.IntN(150) {
			origin, sequence := origins[random.IntN(len(origins))], 1+random.Uint64N(most)
			if isNew, want := covered.Add(origin, sequence), set.add(origin, sequence); isNew != want {
				t.Fatalf("frame %d is new: %t, want %t", sequence, isNew, want)
			}
		}
		set.check(t, covered, most+2)
	}
}

func TestMergingVectorsIsUnionInAnyOrder(t *testing.T) {
	t.Parallel()
	random, origins := storetest.Random(t), someOrigins()
	for range 300 {
		a, inA := randomVector(random, origins, 60)
		b, inB := randomVector(random, origins, 60)
		c, _ := randomVector(random, origins, 60)
		both := merged(a, b)
		for origin, sequences := range inB {
			for sequence := range sequences {
				inA.add(origin, sequence)
			}
		}
		inA.check(t, both, 62)
		if !both.Equal(merged(b, a)) {
			t.Fatal("merging depends on the order")
		}
		if !merged(both, c).Equal(merged(a, merged(b, c))) {
			t.Fatal("merging depends on what is merged first")
		}
		if !merged(both, a).Equal(both) || !merged(a, &cluster.Covered{}).Equal(a) {
			t.Fatal("merging what is there changes the vector")
		}
		if !both.Includes(a) || !both.Includes(b) || a.Includes(both) != a.Equal(both) {
			t.Fatal("a union does not include exactly its parts")
		}
		if both.Position != a.Position {
			t.Fatalf("merging moved the position to %s, want %s", both.Position, a.Position)
		}
	}
}

func merged(a, b *cluster.Covered) *cluster.Covered {
	result := a.Clone()
	result.Merge(b)
	return result
}

func TestACloneIsIndependent(t *testing.T) {
	t.Parallel()
	random, origins := storetest.Random(t), someOrigins()
	for range 100 {
		covered, set := randomVector(random, origins, 60)
		clone := covered.Clone()
		for range 50 {
			clone.Add(origins[random.IntN(len(origins))], 1+random.Uint64N(60))
		}
		set.check(t, covered, 60)
	}
}

func TestAVectorGoesToTheLargestNumber(t *testing.T) {
	t.Parallel()
	origin, covered := cluster.NewOrigin(), &cluster.Covered{}
	for _, sequence := range []uint64{math.MaxUint64, 1, math.MaxUint64 - 1} {
		if !covered.Add(origin, sequence) || covered.Add(origin, sequence) {
			t.Fatalf("frame %d is not new once", sequence)
		}
	}
	if covered.Add(origin, 0) || covered.Contains(origin, 0) {
		t.Error("frame 0 is a frame")
	}
	want := []cluster.Interval{{First: 2, Last: math.MaxUint64 - 2}}
	if missing := covered.Missing(origin); !slices.Equal(missing, want) {
		t.Errorf("missing are %v, want %v", missing, want)
	}
	decoded, err := cluster.DecodeCovered(covered.AppendTo(nil))
	if err != nil || !decoded.Equal(covered) {
		t.Errorf("decoded %v, error %v, want %v", decoded, err, covered)
	}
}

func TestAVectorComesBackAsItWasEncoded(t *testing.T) {
	t.Parallel()
	random, origins := storetest.Random(t), someOrigins()
	for range 300 {
		covered, set := randomVector(random, origins, 60)
		before := []byte("before")
		encoded := covered.AppendTo(before)[len(before):]
		decoded, err := cluster.DecodeCovered(encoded)
		if err != nil || !decoded.Equal(covered) || decoded.Position != covered.Position {
			t.Fatalf("decoded %v, error %v, want %v", decoded, err, covered)
		}
		set.check(t, decoded, 62)
		if again := decoded.AppendTo(nil); !slices.Equal(again, encoded) {
			t.Fatal("equal vectors have other bytes")
		}
		// It can still be added to.
		origin, sequence := origins[0], 1+random.Uint64N(60)
		if decoded.Add(origin, sequence) != set.add(origin, sequence) {
			t.Fatal("a decoded vector takes a frame for another")
		}
	}
}

func TestADamagedVectorIsRefused(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	covered, _ := randomVector(random, someOrigins(), 60)
	covered.Add(cluster.NewOrigin(), 7)
	encoded := covered.AppendTo(nil)
	for length := range encoded {
		if _, err := cluster.DecodeCovered(encoded[:length]); !errors.Is(err, cluster.ErrMalformed) {
			t.Fatalf("the first %d bytes of %d: error %v, want %v", length, len(encoded), err, cluster.ErrMalformed)
		}
	}
	for bit := range len(encoded) * 8 {
		flipped := slices.Clone(encoded)
		flipped[bit/8] ^= 1 << (bit % 8)
		want := cluster.ErrMalformed
		if bit < 8 {
			want = cluster.ErrFormat
		}
		if _, err := cluster.DecodeCovered(flipped); !errors.Is(err, want) {
			t.Fatalf("bit %d is flipped: error %v, want %v", bit, err, want)
		}
	}
	if _, err := cluster.DecodeCovered(append(encoded, 0)); !errors.Is(err, cluster.ErrMalformed) {
		t.Errorf("a byte follows: error %v, want %v", err, cluster.ErrMalformed)
	}
}

func TestAStateSaysHowManyFramesItLacks(t *testing.T) {
	t.Parallel()
	one, two := &cluster.Covered{}, &cluster.Covered{}
	for _, sequence := range []uint64{1, 2, 3, 7, 8} {
		one.Add(cluster.Origin{1}, sequence)
	}
	for _, sequence := range []uint64{1, 3, 4, 8, 9} {
		two.Add(cluster.Origin{1}, sequence)
	}
	two.Add(cluster.Origin{2}, 1)
	if frames, lacks, back := one.Frames(), one.Lacks(two), two.Lacks(one); frames != 5 || lacks != 3 || back != 2 {
		t.Errorf("%d frames, lacks %d, the other %d; want 5, 3 and 2", frames, lacks, back)
	}
}
