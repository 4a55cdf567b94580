package visitors_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// TestPartsOfADayMergeToTheDay lets different visitors come before and after a
// restart: then both parts together are as one ledger.
func TestPartsOfADayMergeToTheDay(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	whole := newModel()
	ledgers := [2]*visitors.Ledger{newLedger(t, visitors.DefaultLimits()), newLedger(t, visitors.DefaultLimits())}
	for i := range 400 {
		batch := randomBatch(random)
		for j := range batch {
			batch[j].Hour = noon
			if len(batch[j].HashID) > 0 {
				batch[j].HashID = append([]byte{batch[j].HashID[0]}, append([]byte(nil), batch[j].HashID...)...)
				batch[j].HashID = append(batch[j].HashID, byte(i%2))
			}
		}
		ledgers[i%2].AddRecords(batch)
		whole.add(batch)
	}
	before, _ := ledgers[0].Close(noon.Day())
	after, _ := ledgers[1].Close(noon.Day())
	want := whole.sums(noon.Day())
	for name, got := range map[string]visitors.Sums{"in order": before.Merge(after, 64), "in the other order": after.Merge(before, 64)} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("merged %s the parts are\n%+v, want\n%+v", name, got, want)
		}
	}
}

func TestASampleAndAllOfADayMergeAtTheRateOfTheSample(t *testing.T) {
	sampled := visitors.Sums{
		Day: 1, Halvings: 2, PairHalvings: 3, AnonymousRecords: 5,
		All:      visitors.Group{ByStages: [visitors.StageSets]uint64{visitors.Shown: 100}, Pages: 200, PagesSquared: 600},
		Variants: []visitors.Variant{{Experiment: "place", Name: "A", Group: visitors.Group{Clicks: 3}, Crossed: 1}},
		Benefits: []visitors.Benefit{{Benefit: 2, ByStages: [visitors.StageSets]uint64{visitors.Shown: 10}}},
	}
	all := visitors.Sums{
		Day: 1, AnonymousRecords: 7,
		All: visitors.Group{ByStages: [visitors.StageSets]uint64{visitors.Shown: 41, visitors.Opened: 1}, Pages: 42, PagesSquared: 44},
		Variants: []visitors.Variant{{
			Experiment: "place", Name: "A", Group: visitors.Group{Clicks: 8}, Crossed: 6,
			Benefits: []visitors.VariantBenefit{{Benefit: 2, Shown: 16, Opened: 3, Acted: 4}},
		}},
		Benefits: []visitors.Benefit{{Benefit: 1, ByStages: [visitors.StageSets]uint64{visitors.Shown: 12}}},
	}
	want := visitors.Sums{
		Day: 1, Halvings: 2, PairHalvings: 3, AnonymousRecords: 12,
		All: visitors.Group{ByStages: [visitors.StageSets]uint64{visitors.Shown: 110}, Pages: 211, PagesSquared: 611},
		Variants: []visitors.Variant{{
			Experiment: "place", Name: "A", Group: visitors.Group{Clicks: 5}, Crossed: 3,
			Benefits: []visitors.VariantBenefit{{Benefit: 2, Shown: 2, Opened: 0, Acted: 1}},
		}},
		Benefits: []visitors.Benefit{
			{Benefit: 1, ByStages: [visitors.StageSets]uint64{visitors.Shown: 2}},
			{Benefit: 2, ByStages: [visitors.StageSets]uint64{visitors.Shown: 10}},
		},
	}
	for name, got := range map[string]visitors.Sums{"sample first": sampled.Merge(all, 64), "all first": all.Merge(sampled, 64)} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: merged they are\n%+v, want\n%+v", name, got, want)
		}
	}
	if all.Variants[0].Benefits[0].Shown != 16 || all.Benefits[0].ByStages[visitors.Shown] != 12 || all.Variants[0].Crossed != 6 {
		t.Error("merging changed what was merged")
	}
}

func TestMergingKeepsTheNamesOfTheLargestVariants(t *testing.T) {
	variant := func(experiment, name string, n uint64) visitors.Variant {
		return visitors.Variant{
			Experiment: experiment, Name: name,
			Group:    visitors.Group{ByStages: [visitors.StageSets]uint64{visitors.Shown: n}},
			Benefits: []visitors.VariantBenefit{{Benefit: counters.Benefit(n % 2), Shown: n}},
		}
	}
	a := visitors.Sums{Variants: []visitors.Variant{variant(visitors.Other, visitors.Other, 1), variant("x", "A", 10), variant("x", "B", 3)}}
	b := visitors.Sums{Variants: []visitors.Variant{variant("a", "A", 2), variant("x", "A", 10)}}
	got := a.Merge(b, 2).Variants
	want := []visitors.Variant{variant(visitors.Other, visitors.Other, 3), variant("x", "A", 20), variant("x", "B", 3)}
	want[0].Benefits = []visitors.VariantBenefit{{Benefit: 0, Shown: 2}, {Benefit: 1, Shown: 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the variants are %+v, want %+v", got, want)
	}
}

func TestGroupsUnderFiveAreFew(t *testing.T) {
	for n, want := range map[uint64]bool{0: true, 1: true, 4: true, 5: false, 100: false} {
		if got := visitors.Few(n); got != want {
			t.Errorf("Few(%d) is %v, want %v", n, got, want)
		}
	}
}
