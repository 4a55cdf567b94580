package visitors

import (
	"cmp"
	"slices"
)

// Merge returns both together: two parts of a day, before and after a restart, or
// two days, whose visitors are then visitor-days. Its Day is that of s. A visitor of
// both counts twice.
//
// If the rates differ, the sums of the finer sample are divided as if it had been
// halved as often as the other, rounded to the nearest. Estimates stay right, and no
// test takes the sum for more visitors than it is worth. At most as many variants
// as given keep their names, those with the most visitors; the others count under
// Other.
//
// Neither of the two is changed, and they may share memory with what is returned.
func (s Sums) Merge(other Sums, variants int) Sums {
	halvings := max(s.Halvings, other.Halvings)
	pairHalvings := max(s.PairHalvings, other.PairHalvings)
	a, b := s.thinned(halvings, pairHalvings), other.thinned(halvings, pairHalvings)
	a.AnonymousRecords += b.AnonymousRecords
	a.All.merge(&b.All)
	a.Variants = boundVariants(mergeSorted(a.Variants, b.Variants, compareVariants, mergeVariants), variants)
	a.Benefits = mergeSorted(a.Benefits, b.Benefits, compareBenefits, mergeBenefits)
	return a
}

// thinned are the sums as they would be about at lower rates.
func (s Sums) thinned(halvings, pairHalvings uint8) Sums {
	by, pairsBy := halvings-s.Halvings, pairHalvings-s.PairHalvings
	s.Halvings, s.PairHalvings = halvings, pairHalvings
	if by == 0 && pairsBy == 0 {
		return s
	}
	s.All.thin(by)
	s.Variants, s.Benefits = slices.Clone(s.Variants), slices.Clone(s.Benefits)
	for i := range s.Variants {
		s.Variants[i].thin(by, pairsBy)
	}
	for i := range s.Benefits {
		thinAll(s.Benefits[i].ByStages[:], pairsBy)
	}
	return s
}

func (g *Group) thin(by uint8) {
	thinAll(g.ByStages[:], by)
	for _, sum := range []*uint64{&g.Pages, &g.Clicks, &g.PagesSquared, &g.ClicksSquared, &g.PagesClicks} {
		*sum = thin(*sum, by)
	}
}

func (v *Variant) thin(by, pairsBy uint8) {
	v.Group.thin(by)
	v.Crossed = thin(v.Crossed, by)
	v.Benefits = slices.Clone(v.Benefits)
	for i := range v.Benefits {
		b := &v.Benefits[i]
		b.Shown, b.Opened, b.Acted = thin(b.Shown, pairsBy), thin(b.Opened, pairsBy), thin(b.Acted, pairsBy)
	}
}

func thinAll(sums []uint64, by uint8) {
	for i := range sums {
		sums[i] = thin(sums[i], by)
	}
}

// thin is n ÷ 2^by, rounded to the nearest.
func thin(n uint64, by uint8) uint64 {
	if by == 0 {
		return n
	}
	return (n>>(by-1) + 1) >> 1
}

func (g *Group) merge(other *Group) {
	for set, n := range other.ByStages {
		g.ByStages[set] += n
	}
	g.Pages += other.Pages
	g.Clicks += other.Clicks
	g.PagesSquared += other.PagesSquared
	g.ClicksSquared += other.ClicksSquared
	g.PagesClicks += other.PagesClicks
}

// mergeVariants returns both; the name is that of a.
func mergeVariants(a, b Variant) Variant {
	a.Group.merge(&b.Group)
	a.Crossed += b.Crossed
	a.Benefits = mergeSorted(a.Benefits, b.Benefits, compareShares, mergeShares)
	return a
}

func compareShares(a, b VariantBenefit) int { return cmp.Compare(a.Benefit, b.Benefit) }

func mergeShares(a, b VariantBenefit) VariantBenefit {
	return VariantBenefit{a.Benefit, a.Shown + b.Shown, a.Opened + b.Opened, a.Acted + b.Acted}
}

func compareBenefits(a, b Benefit) int { return cmp.Compare(a.Benefit, b.Benefit) }

func mergeBenefits(a, b Benefit) Benefit {
	for set, n := range b.ByStages {
		a.ByStages[set] += n
	}
	return a
}

// mergeSorted merges two sorted lists without duplicates into a new one like them.
func mergeSorted[T any](a, b []T, compare func(a, b T) int, both func(a, b T) T) []T {
	merged := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch order := compare(a[0], b[0]); {
		case order < 0:
			merged, a = append(merged, a[0]), a[1:]
		case order > 0:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, both(a[0], b[0])), a[1:], b[1:]
		}
	}
	return append(append(merged, a...), b...)
}

// boundVariants lets so many variants keep their names, beside Other.
func boundVariants(variants []Variant, most int) []Variant {
	other := Variant{Experiment: Other, Name: Other}
	named := make([]Variant, 0, len(variants))
	for _, v := range variants {
		if compareVariants(v, other) == 0 {
			other = mergeVariants(other, v)
		} else {
			named = append(named, v)
		}
	}
	if len(named) <= most {
		return variants
	}
	slices.SortStableFunc(named, func(a, b Variant) int { return cmp.Compare(b.Visitors(), a.Visitors()) })
	for _, v := range named[most:] {
		other = mergeVariants(other, v)
	}
	bounded := append(named[:most], other)
	slices.SortFunc(bounded, compareVariants)
	return bounded
}
