package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"stats-recorder/counters"
)

// SeedVariable is the environment variable that repeats a random test.
const SeedVariable = "TEST_SEED"

// Random is a source of random numbers whose seed the test's log tells.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(SeedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", SeedVariable, err)
		}
	}
	t.Logf("repeat with %s=%d", SeedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// RandomBatch is a batch of up to longest records, most of them in one hour.
func RandomBatch(random *rand.Rand, longest int) []Record {
	batch := make([]Record, 1+random.IntN(longest))
	for i := range batch {
		batch[i] = randomRecord(random)
	}
	return batch
}

func randomRecord(random *rand.Rand) Record {
	hour := Noon()
	if random.IntN(8) == 0 {
		hour -= counters.Hour(random.IntN(72))
	}
	total := 1 + random.IntN(20)
	return Record{
		Benefit:   fmt.Sprintf("benefit-%d", random.IntN(40)),
		Event:     fmt.Sprintf("event-%d", random.IntN(4)),
		Version:   uint16(2 + random.IntN(3)/2),
		PageTotal: uint16(total),
		Index:     uint16(1 + random.IntN(total)),
		Hour:      hour,
	}
}

// Grow gives an empty store that many counters, in the proportions of a site
// where most events are shows and some benefits are far more popular than
// others, and returns the sum of all counts. Beyond a million counters the site
// has more than 600 benefits.
func Grow(t testing.TB, store *counters.Store, total int) (events uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for benefit := 0; total > 0; benefit++ {
		cells := popularity(t, store, random, benefit)
		cells = cells[:min(len(cells), total)]
		total -= len(cells)
		for _, cell := range cells {
			events += cell.Count
		}
		if err := store.Replay(Noon(), counters.Benefit(benefit), cells); err != nil {
			t.Fatal(err)
		}
	}
	return events
}

// popularity is the counters of one benefit on pages of up to sixty: shown at
// every position, clicked at few.
func popularity(t testing.TB, store *counters.Store, random *rand.Rand, benefit int) []counters.Cell {
	t.Helper()
	const benefits, longest, clicks = 600, 60, 20
	var cells []counters.Cell
	for page := range longest {
		for index := range page + 1 {
			for event := range 3 {
				if event > 0 && random.IntN(clicks) > 0 {
					continue
				}
				_, key := Number(t, store, Record{
					Benefit: fmt.Sprintf("benefit-%d", benefit), Event: fmt.Sprintf("event-%d", event),
					Version: 2, PageTotal: uint16(page + 1), Index: uint16(index + 1),
				})
				mean := 2000 / float64(benefit%benefits+10)
				cells = append(cells, counters.Cell{Key: key, Count: 1 + uint64(random.ExpFloat64()*mean)})
			}
		}
	}
	return cells
}

// Events is the sum of all counts that a store answers with.
func Events(store *counters.Store) (sum uint64) {
	store.Read(counters.EventTotals(nil), nil, func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			sum += cell.Count
		}
	})
	return sum
}
