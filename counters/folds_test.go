package counters_test

import (
	"fmt"
	"maps"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// Few or most counters of a benefit, old and new, near and far, small and beyond what their words
// hold are added to, of several event types and versions.
func TestFoldsOfAnyKindAddUpToWhatAPlainMapHas(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	places := []uint32{8191, 8192, 8193, 1<<counters.PlaceBits - 1}
	for place := range uint32(300) {
		places = append(places, place)
	}
	counts := []uint64{1, 2, 4095, 4096, 1<<22 - 1, 1 << 22, 1<<32 - 1, 1 << 32, 1 << 44}
	for round := range 20 {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			store, want := counters.NewStore(counters.WhenDurable), map[plainCounter]uint64{}
			versions, largest := uint16(1+random.IntN(2)), 1+random.IntN(len(counts))
			for range 12 {
				foreign := counters.NewForeign(0)
				foreign.Benefits, foreign.Events = bytesOf([]string{"a", "b"}), bytesOf([]string{"show", "click"})
				for benefit, name := range []string{"a", "b"} {
					var cells []counters.Cell
					for range random.IntN(600) {
						place := places[random.IntN(1+random.IntN(len(places)))]
						key, err := counters.KeyAt(counters.EventType(1+random.IntN(2)), uint16(random.UintN(uint(versions))), place)
						if err != nil {
							t.Fatal(err)
						}
						cell := counters.Cell{Key: key, Count: counts[random.IntN(largest)]}
						want[plainCounter{benefit: name, key: key}] += cell.Count
						cells = append(cells, cell)
					}
					if err := foreign.Add(storetest.Noon(), counters.Benefit(benefit), cells); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := store.Merge(nil, foreign); err != nil {
					t.Fatal(err)
				}
				storetest.Commit(store)
				have := map[plainCounter]uint64{}
				for version := range versions {
					store.Read(counters.PositionsOf(version, nil), nil, func(benefit counters.Benefit, read []counters.Cell) {
						for _, cell := range read {
							have[plainCounter{benefit: store.Benefits.Names()[benefit], key: cell.Key}] += cell.Count
						}
					})
				}
				if !maps.Equal(have, want) {
					t.Fatalf("%d counters, want %d: %v", len(have), len(want), difference(have, want))
				}
			}
		})
	}
}

// What is far apart is added up a part after the other, and what is rare is sorted.
func TestAnyNumberOfBenefitsWithAnyNumberOfPlacesIsMerged(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for _, most := range []int{1, 40, 300} {
		store, want := counters.NewStore(counters.WhenDurable), map[plainCounter]uint64{}
		var told []*counters.Foreign
		for range 3 {
			foreign := counters.NewForeign(0)
			foreign.Events = bytesOf([]string{"show"})
			for i := range counters.Benefit(200) {
				name := fmt.Sprint("benefit ", i+counters.Benefit(100*len(told)))
				foreign.Benefits = append(foreign.Benefits, []byte(name))
				var cells []counters.Cell
				for range 1 + random.IntN(most) {
					key, err := counters.KeyAt(1, 2, random.Uint32N(1<<(6+random.UintN(12))))
					if err != nil {
						t.Fatal(err)
					}
					want[plainCounter{storetest.Noon(), name, key}] += 3
					cells = append(cells, counters.Cell{Key: key, Count: 3})
				}
				if err := foreign.Add(storetest.Noon(), i, cells); err != nil {
					t.Fatal(err)
				}
			}
			told = append(told, foreign)
		}
		if _, err := store.Merge(nil, told...); err != nil {
			t.Fatal(err)
		}
		delta := store.Seal()
		names := func(b counters.Benefit) string { return store.Benefits.Names()[b] }
		if have := spansAsMap(t, delta.Spans, names); !maps.Equal(have, want) {
			t.Errorf("up to %d each: %d counters, want %d: %v", most, len(have), len(want), difference(have, want))
		}
		delta.Commit()
	}
}
