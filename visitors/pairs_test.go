package visitors_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// TestAVisitorOfManyBenefitsIsExact has few visitors meet so many benefits that what is kept
// of each grows again and again, and batches that say a benefit twice. Benefits with numbers
// that lie near each other are kept in another way than those far apart, and visitors go from
// one way to the other.
func TestAVisitorOfManyBenefitsIsExact(t *testing.T) {
	for name, far := range map[string]int{"near": 0, "far": 1, "of both": 300} {
		t.Run(name, func(t *testing.T) {
			ledger, model := newLedger(t, visitors.DefaultLimits()), newModel()
			random := rand.New(rand.NewPCG(5, 6))
			for range 400 {
				batch := make([]visitors.Recorded, 1+random.IntN(200))
				id, benefits, events := fmt.Append(nil, random.IntN(20)), 1+random.IntN(4_000), 1+random.IntN(4)
				for i := range batch {
					batch[i] = visitors.Recorded{
						HashID: id, Hour: noon, Benefit: counters.Benefit(random.IntN(benefits)), Index: 2, Event: show + counters.EventType(random.IntN(events)),
					}
					if far > 0 && random.IntN(far) == 0 {
						batch[i].Benefit = counters.Benefit(random.IntN(counters.MaxBenefits))
					}
				}
				ledger.AddRecords(batch)
				model.add(batch)
			}
			if got, want := ledger.Stats().Days[0].Pairs, model.pairs(noon.Day()); got != want {
				t.Errorf("%d pairs are kept, want %d", got, want)
			}
			expectModel(t, ledger, model)
		})
	}
}

// TestAnEventTypeMayReachSeveralStages has one that says that a benefit was shown and acted on,
// of benefits that were shown before and of others.
func TestAnEventTypeMayReachSeveralStages(t *testing.T) {
	config := visitors.Config{Limits: visitors.DefaultLimits(), Stages: visitors.StageTable{show: visitors.Shown, link: visitors.Shown | visitors.Acted}}
	ledger, err := visitors.NewSeeded(config, 1)
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]visitors.Recorded, 0, 60)
	for benefit := range counters.Benefit(40) {
		batch = append(batch, visitors.Recorded{HashID: []byte("one"), Hour: noon, Benefit: benefit, Index: 1, Event: show})
	}
	for benefit := range counters.Benefit(20) {
		batch = append(batch, visitors.Recorded{HashID: []byte("one"), Hour: noon, Benefit: 30 + benefit, Index: 1, Event: link})
	}
	ledger.AddRecords(batch)
	if got := ledger.Stats().Days[0].Pairs; got != 50 {
		t.Errorf("%d pairs are kept, want 50", got)
	}
	sums, _ := ledger.Close(noon.Day())
	for _, benefit := range sums.Benefits {
		want := visitors.Shown
		if benefit.Benefit >= 30 {
			want |= visitors.Acted
		}
		if benefit.ByStages[want] != 1 {
			t.Errorf("benefit %d has %v, want one visitor with the stages %b", benefit.Benefit, benefit.ByStages, want)
		}
	}
}
