package visitors

import (
	"cmp"
	"slices"

	"stats-recorder/counters"
)

// collapse makes the sums of the day. A shard is held only while it is copied. If
// the rates fall meanwhile, shards are of different rates and it begins anew; that
// takes as many new visitors again as there are, so it does not go on for long.
// The caller holds reading.
func (d *day) collapse() Sums {
	for {
		c := newCollapse(d.rates())
		for i := range d.shards {
			c.copy(&d.shards[i])
			c.addVisitors()
			c.addPairs()
		}
		c.forget()
		if visitorHalvings, pairHalvings := d.rates(); visitorHalvings == c.visitorHalvings && pairHalvings == c.pairHalvings {
			return c.sums(d.date, d.names.current.Load()) // it has all names that the visitors hold
		}
	}
}

// A collapse is the sums of some shards, by number of benefit and variant.
type collapse struct {
	visitorHalvings, pairHalvings uint32
	// visitors and pairs are those of the shard at hand.
	visitors []visitor
	pairs    pairSet

	tally    tally
	all      Group
	variants [maxVariants + 1]variantSums
	benefits []Benefit
	rows     map[counters.Benefit]uint32 // where a benefit is in benefits
	shares   []VariantBenefit
	places   map[shareKey]uint32 // where a share is in shares
}

type variantSums struct {
	group   Group
	crossed uint64
}

// A shareKey is the part that a variant has in a benefit: in one word, which Go's maps find
// soonest (BenchmarkSums).
type shareKey uint64

func newShareKey(benefit counters.Benefit, variant uint8) shareKey {
	return shareKey(benefit)<<8 | shareKey(variant)
}

func (k shareKey) benefit() counters.Benefit { return counters.Benefit(k >> 8) }
func (k shareKey) variant() uint8            { return uint8(k) }

func newCollapse(visitorHalvings, pairHalvings uint32) *collapse {
	return &collapse{
		visitorHalvings: visitorHalvings, pairHalvings: pairHalvings,
		rows: map[counters.Benefit]uint32{}, places: map[shareKey]uint32{},
	}
}

// copy takes what a shard holds, which is all that a feeder may have to wait for.
func (c *collapse) copy(s *shard) {
	s.Lock()
	defer s.Unlock()
	c.visitors = copyInto(c.visitors, s.visitors.table)
	c.pairs.slab = copyInto(c.pairs.slab, s.pairs.slab)
	c.tally.add(s.tally)
}

// copyInto copies src over dst, which is cleared if it is too small.
func copyInto[T any](dst, src []T) []T {
	if cap(dst) < len(src) {
		clear(dst[:cap(dst)])
		dst = make([]T, len(src))
	}
	dst = dst[:len(src)]
	copy(dst, src)
	return dst
}

// forget clears the copies of hashes.
func (c *collapse) forget() {
	clear(c.visitors[:cap(c.visitors)])
	clear(c.pairs.slab[:cap(c.pairs.slab)])
}

func (c *collapse) addVisitors() {
	for i := range c.visitors {
		v := &c.visitors[i]
		if v.word == 0 || !takes(c.visitorHalvings, v.hash()) {
			continue // free, or not sifted yet
		}
		c.all.add(v)
		for _, held := range v.holdings {
			switch {
			case held == 0:
			case held.isCrossed():
				c.variants[held.variant()].crossed++
			default:
				c.variants[held.variant()].group.add(v)
			}
		}
	}
}

func (g *Group) add(v *visitor) {
	pages, clicks := uint64(v.pages), uint64(v.clicks)
	g.ByStages[v.stages()]++
	g.Pages += pages
	g.Clicks += clicks
	g.PagesSquared += pages * pages
	g.ClicksSquared += clicks * clicks
	g.PagesClicks += pages * clicks
}

func (c *collapse) addPairs() {
	for i := range c.visitors {
		v := &c.visitors[i]
		if v.pairs.n == 0 || !takes(c.pairHalvings, v.hash()) {
			continue
		}
		for p := range c.pairs.each(v) {
			c.addPair(v, p)
		}
	}
}

func (c *collapse) addPair(v *visitor, p pair) {
	benefit, stages := p.benefit(), p.stages()
	c.row(benefit).ByStages[stages]++
	for _, held := range v.holdings {
		if held != 0 && !held.isCrossed() {
			c.share(newShareKey(benefit, held.variant())).add(stages)
		}
	}
}

func (c *collapse) row(benefit counters.Benefit) *Benefit {
	at, known := c.rows[benefit]
	if !known {
		at = uint32(len(c.benefits))
		c.rows[benefit] = at
		c.benefits = append(c.benefits, Benefit{Benefit: benefit})
	}
	return &c.benefits[at]
}

func (c *collapse) share(key shareKey) *VariantBenefit {
	at, known := c.places[key]
	if !known {
		at = uint32(len(c.shares))
		c.places[key] = at
		c.shares = append(c.shares, VariantBenefit{Benefit: key.benefit()})
	}
	return &c.shares[at]
}

func (b *VariantBenefit) add(stages Stages) {
	b.Shown += uint64(stages & Shown / Shown)
	b.Opened += uint64(stages & Opened / Opened)
	b.Acted += uint64(stages & Acted / Acted)
}

// sums puts everything in order, under its name.
func (c *collapse) sums(date counters.Day, names *nameTable) Sums {
	slices.SortFunc(c.benefits, func(a, b Benefit) int { return cmp.Compare(a.Benefit, b.Benefit) })
	return Sums{
		Day: date, Halvings: uint8(c.visitorHalvings), PairHalvings: uint8(c.pairHalvings),
		AnonymousRecords: c.tally.anonymous, All: c.all, Variants: c.namedVariants(names), Benefits: c.benefits,
	}
}

func (c *collapse) namedVariants(names *nameTable) []Variant {
	shares := c.sharesByVariant()
	var variants []Variant
	for number := range c.variants {
		sums := &c.variants[number]
		if sums.group.Visitors() == 0 && sums.crossed == 0 {
			continue // a sample has lost all who were in it
		}
		name := names.name(uint8(number))
		variants = append(variants, Variant{
			Experiment: name.experiment, Name: name.variant,
			Group: sums.group, Crossed: sums.crossed, Benefits: shares[number],
		})
	}
	slices.SortFunc(variants, compareVariants)
	return variants
}

func compareVariants(a, b Variant) int {
	return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Name, b.Name))
}

// sharesByVariant are the shares of each number of a variant, sorted by benefit.
func (c *collapse) sharesByVariant() (shares [maxVariants + 1][]VariantBenefit) {
	for key, at := range c.places {
		shares[key.variant()] = append(shares[key.variant()], c.shares[at])
	}
	for _, of := range shares {
		slices.SortFunc(of, func(a, b VariantBenefit) int { return cmp.Compare(a.Benefit, b.Benefit) })
	}
	return shares
}
