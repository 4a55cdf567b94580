package visitors

import (
	"maps"
	"slices"

	"stats-recorder/counters"
)

// Sums are kept as counts of two kinds. The keys of counters.Visitors have the halvings
// of the sample as their level and a variant as their word, none for all visitors; the
// benefit is always number 0 and means nothing. Those of counters.VisitorsByBenefit have
// the halvings of the sample of pairs. Parts of a day of different samples lie side by
// side, so that adding up counts is all there is to merging them.

// The fields of the keys. Below them a field is a set of stages, of which the visitors
// have reached just these; of a variant and a benefit it is one stage.
const (
	fieldPages = StageSets + iota
	fieldClicks
	fieldPagesSquared
	fieldClicksSquared
	fieldPagesClicks
	fieldCrossed
	// fieldAnonymous counts records, all of them.
	fieldAnonymous
)

// wordOfVariant begins the text that a variant has among the words of a store: the length
// of the experiment's name, a byte, then both names.
const wordOfVariant = 'v'

func variantWord(experiment, name string) []byte {
	return appendVariantWord(nil, experiment, name)
}

func appendVariantWord[Text string | []byte](dst []byte, experiment, name Text) []byte {
	dst = append(dst, wordOfVariant, byte(len(experiment)))
	dst = append(dst, experiment...)
	return append(dst, name...)
}

// variantOf is the variant that a word names, Other's for a word that names none.
func variantOf(words []string, word uint16) variantName {
	number := int(word) - 1
	if number < 0 || number >= len(words) {
		return variantName{Other, Other}
	}
	text := words[number]
	if len(text) < 2 || text[0] != wordOfVariant || int(text[1]) > len(text)-2 {
		return variantName{Other, Other}
	}
	end := 2 + int(text[1])
	return variantName{text[2:end], text[end:]}
}

// An encoder adds sums to tables.
type encoder struct {
	words         *counters.Directory
	all, benefits *counters.Table
}

func newEncoder(words *counters.Directory, table func(counters.Kind) *counters.Table) encoder {
	return encoder{words, table(counters.Visitors), table(counters.VisitorsByBenefit)}
}

func (e encoder) add(s *Sums) {
	e.count(e.all, 0, counters.Detail{Field: fieldAnonymous}, s.AnonymousRecords)
	e.addGroup(counters.Detail{Level: s.Halvings}, &s.All)
	for i := range s.Benefits {
		for set, n := range s.Benefits[i].ByStages {
			e.count(e.benefits, s.Benefits[i].Benefit, counters.Detail{Level: s.PairHalvings, Field: uint8(set)}, n)
		}
	}
	for i := range s.Variants {
		e.addVariant(s, &s.Variants[i])
	}
}

func (e encoder) addVariant(s *Sums, v *Variant) {
	word := e.word(v)
	at := counters.Detail{Level: s.Halvings, Word: word}
	e.addGroup(at, &v.Group)
	at.Field = fieldCrossed
	e.count(e.all, 0, at, v.Crossed)
	at.Level = s.PairHalvings
	for _, b := range v.Benefits {
		for stage, n := range map[Stages]uint64{Shown: b.Shown, Opened: b.Opened, Acted: b.Acted} {
			at.Field = uint8(stage)
			e.count(e.benefits, b.Benefit, at, n)
		}
	}
}

// word is the number of a variant plus one. Where there is no room for its name, it is
// one that names none.
func (e encoder) word(v *Variant) uint16 {
	number, err := e.words.Number(variantWord(v.Experiment, v.Name))
	if err != nil {
		return counters.MaxWords + 1
	}
	return uint16(number) + 1
}

func (e encoder) addGroup(at counters.Detail, g *Group) {
	for set, n := range g.ByStages {
		at.Field = uint8(set)
		e.count(e.all, 0, at, n)
	}
	for i, n := range g.products() {
		at.Field = fieldPages + uint8(i)
		e.count(e.all, 0, at, *n)
	}
}

// products are the sums in the order of their fields.
func (g *Group) products() [5]*uint64 {
	return [5]*uint64{&g.Pages, &g.Clicks, &g.PagesSquared, &g.ClicksSquared, &g.PagesClicks}
}

func (e encoder) count(table *counters.Table, benefit counters.Benefit, at counters.Detail, n uint64) {
	if n > 0 {
		table.Add(benefit, at.Key(), n)
	}
}

// A decoder makes sums of cells, level by level.
type decoder struct {
	words  []string
	levels map[uint8]*level
}

// A level is what there is of one rate: of the sample of visitors, and of pairs.
type level struct {
	sums, pairs       Sums
	variants, pairsOf map[variantName]int // where they are in the sums
	visited, paired   bool                // whether there is any of either
}

func newDecoder(words []string) *decoder { return &decoder{words, map[uint8]*level{}} }

func (d *decoder) level(halvings uint8) *level {
	l := d.levels[halvings]
	if l == nil {
		l = &level{
			sums: Sums{Halvings: halvings}, pairs: Sums{PairHalvings: halvings},
			variants: map[variantName]int{}, pairsOf: map[variantName]int{},
		}
		d.levels[halvings] = l
	}
	return l
}

// addVisitors takes cells of counters.Visitors.
func (d *decoder) addVisitors(cells []counters.Cell) {
	for _, cell := range cells {
		at := cell.Key.Detail()
		l := d.level(at.Level)
		l.visited = true
		switch {
		case at.Field == fieldAnonymous:
			l.sums.AnonymousRecords += cell.Count
		case at.Word == 0:
			l.sums.All.add1(at.Field, cell.Count)
		default:
			v := variantIn(&l.sums, l.variants, variantOf(d.words, at.Word))
			if at.Field == fieldCrossed {
				v.Crossed += cell.Count
				continue
			}
			v.Group.add1(at.Field, cell.Count)
		}
	}
}

// add1 adds to a field, if the group has it.
func (g *Group) add1(field uint8, n uint64) {
	if field < StageSets {
		g.ByStages[field] += n
	} else if i := int(field) - fieldPages; i < len(g.products()) {
		*g.products()[i] += n
	}
}

// addBenefit takes cells of counters.VisitorsByBenefit. Each benefit comes once.
func (d *decoder) addBenefit(benefit counters.Benefit, cells []counters.Cell) {
	for _, cell := range cells {
		at := cell.Key.Detail()
		l := d.level(at.Level)
		l.paired = true
		if at.Word == 0 {
			if last := len(l.pairs.Benefits) - 1; last < 0 || l.pairs.Benefits[last].Benefit != benefit {
				l.pairs.Benefits = append(l.pairs.Benefits, Benefit{Benefit: benefit})
			}
			l.pairs.Benefits[len(l.pairs.Benefits)-1].ByStages[at.Field%StageSets] += cell.Count
			continue
		}
		v := variantIn(&l.pairs, l.pairsOf, variantOf(d.words, at.Word))
		if last := len(v.Benefits) - 1; last < 0 || v.Benefits[last].Benefit != benefit {
			v.Benefits = append(v.Benefits, VariantBenefit{Benefit: benefit})
		}
		v.Benefits[len(v.Benefits)-1].add1(Stages(at.Field), cell.Count)
	}
}

func (b *VariantBenefit) add1(stage Stages, n uint64) {
	switch stage {
	case Shown:
		b.Shown += n
	case Opened:
		b.Opened += n
	case Acted:
		b.Acted += n
	}
}

func variantIn(s *Sums, known map[variantName]int, name variantName) *Variant {
	at, found := known[name]
	if !found {
		at = len(s.Variants)
		known[name] = at
		s.Variants = append(s.Variants, Variant{Experiment: name.experiment, Name: name.variant})
	}
	return &s.Variants[at]
}

// sums are those of all levels together.
func (d *decoder) sums(day counters.Day) Sums {
	all := Sums{Day: day}
	levels := slices.Sorted(maps.Keys(d.levels))
	for _, halvings := range slices.Backward(levels) { // so that each is thinned once
		l := d.levels[halvings]
		if l.visited {
			all = all.Merge(l.sums.sorted(), counters.MaxWords)
		}
		if l.paired {
			all = all.Merge(l.pairs.sorted(), counters.MaxWords)
		}
	}
	return all
}

func (s Sums) sorted() Sums {
	slices.SortFunc(s.Variants, compareVariants)
	slices.SortFunc(s.Benefits, compareBenefits)
	for i := range s.Variants {
		slices.SortFunc(s.Variants[i].Benefits, compareShares)
	}
	return s
}
