package visitors

import (
	"slices"

	"stats-recorder/counters"
)

// named are variants of which those that may not have a name count under one of Other: of
// their experiment, where that is named by another variant, so that its crossed and the
// division of its visitors stay what they are; or else of all.
func named(variants []Variant, words *counters.Directory) []Variant {
	nameless := make([]bool, len(variants))
	experiments := map[string]bool{}
	for i := range variants {
		if nameless[i] = !mayName(&variants[i], words); !nameless[i] {
			experiments[variants[i].Experiment] = true
		}
	}
	all := make([]Variant, 0, len(variants))
	for i, v := range variants {
		if nameless[i] {
			v.Name = Other
			if !experiments[v.Experiment] {
				v.Experiment = Other
			}
		}
		at, found := slices.BinarySearchFunc(all, v, compareVariants)
		if !found {
			all = slices.Insert(all, at, v)
			continue
		}
		all[at] = mergeVariants(all[at], v)
	}
	return all
}

// mayName says whether a variant is told with its name: it has a word, or so many have come to
// it that it may have one.
func mayName(v *Variant, words *counters.Directory) bool {
	if _, known := words.Lookup(variantWord(v.Experiment, v.Name)); known || v.Experiment == Other {
		return true
	}
	return v.Visitors()+v.Crossed >= wanted(words.Len())
}

// wanted is how many visitors of a day a variant must have to be told with its name,
// where so many words are taken: strangers choose names, and words are never given back.
// It is as many as are told apart: a name that a client makes up for each visitor, or made
// of one, is not written. Once half of the words are taken it doubles with each sixteenth,
// so that to take all of them many times as many visitors must be made up as would leave no
// number of visitors worth reading.
func wanted(taken int) uint64 {
	const half, step = counters.MaxWords / 2, counters.MaxWords / 16
	if taken < half {
		return fewVisitors
	}
	return fewVisitors << ((taken-half)/step + 1)
}
