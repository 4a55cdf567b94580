package visitors

import (
	"math"

	"stats-recorder/counters"
)

// Sums are a day without its hashes: numbers of visitors, and names of
// experiments and variants. They are a value of their own; nothing in them leads
// back to the ledger. Numbers are those of the sample, not estimates.
type Sums struct {
	Day counters.Day
	// Halvings is the rate of the sample of visitors, 2^-Halvings, and PairHalvings
	// that of all numbers by benefit.
	Halvings, PairHalvings uint8
	// AnonymousRecords are records of ids that are no visitor: all, not a sample.
	AnonymousRecords uint64
	// All are all visitors.
	All Group
	// Variants are sorted by experiment, then name.
	Variants []Variant
	// Benefits are sorted by number.
	Benefits []Benefit
}

// A Group is what is summed up over the visitors of one kind.
type Group struct {
	// ByStages is how many visitors reached just the stages that the index is the
	// set of.
	ByStages [StageSets]uint64
	// Pages are pages shown, Clicks records of the stage Opened. Of both there are
	// the sums over visitors, of their squares, and of their product, which is all
	// that the variance of clicks per page needs (delta method).
	Pages, Clicks               uint64
	PagesSquared, ClicksSquared uint64
	PagesClicks                 uint64
}

// A Variant is the visitors who were in one variant of an experiment and in no
// other of it.
type Variant struct {
	Experiment, Name string
	Group
	// Crossed are visitors who came to this variant first and then to another of the
	// experiment. They are in no Group of it.
	Crossed uint64
	// Benefits are sorted by number, at the rate of PairHalvings.
	Benefits []VariantBenefit
}

// A VariantBenefit is how many visitors of a variant reached each stage with a
// benefit.
type VariantBenefit struct {
	Benefit              counters.Benefit
	Shown, Opened, Acted uint64
}

// A Benefit is how many visitors reached just the stages of each set with a
// benefit. None reached no stage.
type Benefit struct {
	Benefit  counters.Benefit
	ByStages [StageSets]uint64
}

// Visitors is how many visitors there are in the group.
func (g *Group) Visitors() uint64 { return total(&g.ByStages) }

// Reached is how many visitors reached all stages of a set, and maybe others.
func (g *Group) Reached(stages Stages) uint64 { return reached(&g.ByStages, stages) }

// Visitors is how many visitors met the benefit.
func (b *Benefit) Visitors() uint64 { return total(&b.ByStages) }

// Reached is how many visitors reached all stages of a set with the benefit.
func (b *Benefit) Reached(stages Stages) uint64 { return reached(&b.ByStages, stages) }

func total(byStages *[StageSets]uint64) uint64 { return reached(byStages, 0) }

func reached(byStages *[StageSets]uint64, stages Stages) (visitors uint64) {
	for set, n := range byStages {
		if Stages(set)&stages == stages {
			visitors += n
		}
	}
	return visitors
}

// fewVisitors is the size below which a group is not told apart.
const fewVisitors = 5

// Few says whether a group of so many visitors is too small to be answered: fewer
// than 5. The number is that of the sums, not an estimate, so that in a sample it
// is never said of fewer people than it counts.
func Few(visitors uint64) bool { return visitors < fewVisitors }

// Estimate is how many visitors, pages or clicks of the day a number of the sample
// stands for: n × 2^halvings, which is unbiased (Flajolet 1990).
func Estimate(n uint64, halvings uint8) float64 { return math.Ldexp(float64(n), int(halvings)) }

// RelativeError is the standard error of Estimate of n visitors, as a share of it:
// sqrt((1 − p) ÷ n) with p = 2^-halvings, that of a binomial share. It is 0 where
// nothing was left out, and infinite for n = 0 in a sample.
func RelativeError(n uint64, halvings uint8) float64 {
	if halvings == 0 {
		return 0
	}
	return math.Sqrt((1 - math.Ldexp(1, -int(halvings))) / float64(n))
}
