package visitors_test

import (
	"cmp"
	"math"
	"slices"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// A model does what a ledger without limits does, with maps and ids in the clear.
type model struct {
	days map[counters.Day]*modelDay
}

// sample leaves in a day whom a sample takes at these rates.
func (m *model) sample(date counters.Day, halvings, pairHalvings uint8, takes func(id string, halvings uint8) bool) {
	day := m.days[date]
	day.halvings, day.pairHalvings = halvings, pairHalvings
	for id, v := range day.visitors {
		if !takes(id, halvings) {
			delete(day.visitors, id)
		}
		if !takes(id, pairHalvings) {
			clear(v.benefits)
		}
	}
}

type modelDay struct {
	anonymous uint64
	visitors  map[string]*modelVisitor
	// halvings and pairHalvings are the rates of a sample.
	halvings, pairHalvings uint8
}

type modelVisitor struct {
	stages        visitors.Stages
	pages, clicks uint64
	experiments   []modelExperiment
	benefits      map[counters.Benefit]visitors.Stages
}

// modelExperiment is the variant that a visitor met first, and whether there was
// another.
type modelExperiment struct {
	name, variant string
	crossed       bool
}

func newModel() *model { return &model{days: map[counters.Day]*modelDay{}} }

func (m *model) add(records []visitors.Recorded) {
	for _, r := range records {
		day := m.days[r.Hour.Day()]
		if day == nil {
			day = &modelDay{visitors: map[string]*modelVisitor{}}
			m.days[r.Hour.Day()] = day
		}
		day.add(r)
	}
}

func (d *modelDay) add(r visitors.Recorded) {
	id := string(r.HashID)
	if len(id) == 0 || len(id) >= 4 && id[:4] == "uid_" {
		d.anonymous++
		return
	}
	v := d.visitors[id]
	if v == nil {
		v = &modelVisitor{benefits: map[counters.Benefit]visitors.Stages{}}
		d.visitors[id] = v
	}
	v.add(r)
}

func (v *modelVisitor) add(r visitors.Recorded) {
	reached := stageTable()[r.Event]
	v.stages |= reached
	if reached == visitors.Shown && r.Index == 1 && v.pages < math.MaxUint16 {
		v.pages++
	}
	if reached == visitors.Opened && v.clicks < math.MaxUint16 {
		v.clicks++
	}
	if reached != 0 {
		v.benefits[r.Benefit] |= reached
	}
	for _, a := range r.Assignments {
		v.assign(string(a.Experiment), string(a.Variant))
	}
}

func (v *modelVisitor) assign(name, variant string) {
	if len(name) == 0 || len(name) > 64 || len(variant) == 0 || len(variant) > 64 {
		return
	}
	for i := range v.experiments {
		if e := &v.experiments[i]; e.name == name {
			e.crossed = e.crossed || e.variant != variant
			return
		}
	}
	if len(v.experiments) < 4 {
		v.experiments = append(v.experiments, modelExperiment{name: name, variant: variant})
	}
}

// pairs is how many pairs of visitor and benefit a day has.
func (m *model) pairs(date counters.Day) (pairs uint64) {
	for _, v := range m.days[date].visitors {
		pairs += uint64(len(v.benefits))
	}
	return pairs
}

// sums are what the ledger must say of a day.
func (m *model) sums(date counters.Day) visitors.Sums {
	day := m.days[date]
	sums := visitors.Sums{Day: date, Halvings: day.halvings, PairHalvings: day.pairHalvings, AnonymousRecords: day.anonymous}
	variants := map[[2]string]*visitors.Variant{}
	benefits := map[counters.Benefit]*visitors.Benefit{}
	for _, v := range day.visitors {
		v.addTo(&sums.All)
		for benefit, stages := range v.benefits {
			entry(benefits, benefit, visitors.Benefit{Benefit: benefit}).ByStages[stages]++
		}
		for _, e := range v.experiments {
			variant := entry(variants, [2]string{e.name, e.variant}, visitors.Variant{Experiment: e.name, Name: e.variant})
			if e.crossed {
				variant.Crossed++
				continue
			}
			v.addTo(&variant.Group)
			v.addBenefits(variant)
		}
	}
	for _, benefit := range benefits {
		sums.Benefits = append(sums.Benefits, *benefit)
	}
	for _, variant := range variants {
		sums.Variants = append(sums.Variants, *variant)
	}
	slices.SortFunc(sums.Benefits, func(a, b visitors.Benefit) int { return cmp.Compare(a.Benefit, b.Benefit) })
	slices.SortFunc(sums.Variants, func(a, b visitors.Variant) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Name, b.Name))
	})
	return sums
}

func entry[K comparable, V any](entries map[K]*V, key K, empty V) *V {
	if entries[key] == nil {
		entries[key] = &empty
	}
	return entries[key]
}

func (v *modelVisitor) addTo(g *visitors.Group) {
	g.ByStages[v.stages]++
	g.Pages += v.pages
	g.Clicks += v.clicks
	g.PagesSquared += v.pages * v.pages
	g.ClicksSquared += v.clicks * v.clicks
	g.PagesClicks += v.pages * v.clicks
}

func (v *modelVisitor) addBenefits(variant *visitors.Variant) {
	for benefit, stages := range v.benefits {
		i, found := slices.BinarySearchFunc(variant.Benefits, benefit, func(b visitors.VariantBenefit, benefit counters.Benefit) int {
			return cmp.Compare(b.Benefit, benefit)
		})
		if !found {
			variant.Benefits = slices.Insert(variant.Benefits, i, visitors.VariantBenefit{Benefit: benefit})
		}
		b := &variant.Benefits[i]
		b.Shown += bit(stages, visitors.Shown)
		b.Opened += bit(stages, visitors.Opened)
		b.Acted += bit(stages, visitors.Acted)
	}
}

func bit(stages, stage visitors.Stages) uint64 {
	if stages&stage != 0 {
		return 1
	}
	return 0
}
