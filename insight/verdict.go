package insight

import (
	"slices"
	"strconv"
)

// A Verdict is the outcome of comparing a benefit with the average, or a variant
// with its control.
type Verdict string

// The verdicts. NoVerdict is that of what was not compared; VerdictWithheld that
// of an experiment whose assignment is broken.
const (
	NoVerdict        Verdict = ""
	VerdictAbove     Verdict = "above"
	VerdictBelow     Verdict = "below"
	VerdictUndecided Verdict = "undecided"
	VerdictWithheld  Verdict = "withheld"
)

// MarshalJSON writes the word, or null for NoVerdict. It never fails.
func (v Verdict) MarshalJSON() ([]byte, error) {
	if v == NoVerdict {
		return []byte("null"), nil
	}
	return []byte(strconv.Quote(string(v))), nil
}

// falseDiscoveries is the share of wrong ones among decided verdicts that is
// accepted.
const falseDiscoveries = 0.05

// Discoveries says which of the probabilities stand out, so that at most the
// share q of those that do are chance: those up to the largest p_(i) ≤ q·i ÷ n
// (Benjamini & Hochberg 1995). Without it one benefit in twenty would be praised
// for nothing.
func Discoveries(probabilities []float64, q float64) []bool {
	sorted := slices.Sorted(slices.Values(probabilities))
	threshold := -1.0
	for i, p := range sorted {
		if p <= q*float64(i+1)/float64(len(sorted)) {
			threshold = p
		}
	}
	found := make([]bool, len(probabilities))
	for i, p := range probabilities {
		found[i] = p <= threshold
	}
	return found
}

// Verdicts are above or below for those whose merit is not average, at most 5 %
// of which are wrong, and undecided for the others.
func Verdicts(evidence []Evidence) []Verdict {
	probabilities := make([]float64, len(evidence))
	for i, e := range evidence {
		probabilities[i] = e.P()
	}
	verdicts := make([]Verdict, len(evidence))
	for i, found := range Discoveries(probabilities, falseDiscoveries) {
		switch {
		case !found:
			verdicts[i] = VerdictUndecided
		case evidence[i].Deviate() > 0:
			verdicts[i] = VerdictAbove
		default:
			verdicts[i] = VerdictBelow
		}
	}
	return verdicts
}
