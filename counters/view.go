package counters

import "slices"

// asked is a query and the rule of its kind, which has that place in the store's Kinds.
type asked struct {
	Query
	rule  KindRule
	place int
}

// ofDay returns what the keys of a day's table become, and whether any of it counts.
func (a asked) ofDay(day Day) (keys func(Key) (Key, bool), any bool) {
	if day == Past {
		return a.ofStep(0), a.Bounds == nil
	}
	if step, whole := a.StepOfDay(day, a.rule.Hourly); whole {
		return a.ofStep(step), true
	}
	if from, to := a.Days(); !a.rule.Hourly || day < from || day >= to {
		return nil, false
	}
	first := day.FirstHour()
	return func(key Key) (Key, bool) { return a.ofHour(first+Hour(key.HourOfDay()), key) }, true
}

// ofStep is for keys that all lie in one step.
func (a asked) ofStep(step uint32) func(Key) (Key, bool) {
	if !a.rule.Hourly {
		return func(key Key) (Key, bool) { return a.Project(step, key) }
	}
	return func(key Key) (Key, bool) { return a.Project(step, key.WithoutHour()) }
}

// ofHour is for a key of an hourly kind.
func (a asked) ofHour(hour Hour, key Key) (Key, bool) {
	step, inside := a.StepOf(hour)
	if !inside {
		return 0, false
	}
	return a.Project(step, key.WithoutHour())
}

// ofRecords returns what the keys of records of an hour become.
func (a asked) ofRecords(hour Hour) (keys func(Key) (Key, bool), any bool) {
	step, inside := a.stepOfRecords(hour)
	if !inside || a.rule.OfRecord == nil {
		return nil, false
	}
	project := a.ofStep(step)
	return func(key Key) (Key, bool) {
		if key = a.rule.OfRecord(hour, key); key == 0 {
			return 0, false
		}
		return project(key)
	}, true
}

// stepOfRecords is the step of records of an hour, and whether there is one.
func (a asked) stepOfRecords(hour Hour) (step uint32, inside bool) {
	switch {
	case hour == Undated:
		return 0, a.Bounds == nil && a.rule.Kept
	case !a.rule.Hourly:
		hour = hour.Day().FirstHour()
	}
	return a.StepOf(hour)
}

// ofClosed is for a table of days that the store has not.
func (a asked) ofClosed(key Key) (Key, bool) {
	if a.OneStep() {
		return a.Project(0, key)
	}
	return key, true
}

// view is a copy of a piece of what one shard holds for a query, at one moment.
type view struct {
	first   Benefit
	words   []uint64 // of cells: sorting words is much cheaper than sorting Cells
	scratch []uint64 // for that
	ends    []int    // words[ends[n-1]:ends[n]] are those of the nth benefit from first on
	pending []pendingCell
}

// pendingCell is a count that is not in a view's words: of a record that is not
// folded yet, or what a counter carries above its word.
type pendingCell struct {
	benefit Benefit
	cell    Cell
}

// sorted are some of the words by key, until it is called again.
func (v *view) sorted(start, end int) []uint64 {
	v.scratch = slices.Grow(v.scratch[:0], end-start)
	sorted, _ := sortWords(v.words[start:end], v.scratch)
	return sorted
}

// mergeWords appends the cells of sorted words to dst, adding up those of the same key.
func mergeWords(dst []Cell, sorted []uint64) []Cell {
	for _, word := range sorted {
		dst = append(dst, Cell{Key: Key(word >> countBits), Count: word & countMask})
	}
	return mergeNeighbours(dst)
}

// source is a table to copy from, with what its keys become.
type source struct {
	table *Table
	keys  func(Key) (Key, bool)
}

func (sh *shard) sources(a asked, closed *Table) []source {
	var sources []source
	for _, layer := range []layer{sh.base, sh.overlay} {
		for day, tables := range layer {
			if keys, any := a.ofDay(day); any && tables[a.place] != nil {
				sources = append(sources, source{tables[a.place], keys})
			}
		}
	}
	if closed != nil {
		sources = append(sources, source{closed, a.ofClosed})
	}
	return sources
}

// beyond is a number that no benefit of the sources has reached.
func beyond(sources []source, pending []pendingCell) Benefit {
	end := Benefit(0)
	for _, source := range sources {
		end = max(end, source.table.benefitAt(len(source.table.benefits)))
	}
	for _, p := range pending {
		end = max(end, p.benefit+1)
	}
	return end
}

func (v *view) copyCells(benefit Benefit, source source) {
	start := len(v.words)
	v.words = source.table.appendWords(benefit, v.words)
	from := source.table.cellsOf(benefit)
	kept := v.words[:start]
	for _, word := range v.words[start:] {
		key, ok := source.keys(Key(word >> countBits))
		if !ok {
			continue
		}
		kept = append(kept, uint64(key)<<countBits|word&countMask)
		if from.carries == nil {
			continue
		}
		if carried := from.carries[Key(word>>countBits)] << countBits; carried != 0 {
			v.pending = append(v.pending, pendingCell{benefit, Cell{key, carried}})
		}
	}
	v.words = kept
}

func (v *view) copyIncrements(from *increments, a asked) {
	add := func(benefit Benefit, key Key, count uint64) {
		if benefit >= v.first {
			v.pending = append(v.pending, pendingCell{benefit, Cell{key, count}})
		}
	}
	copyLog(from.hour, from.log, a, add)
	for hour, log := range from.others {
		copyLog(hour, log, a, add)
	}
	for _, span := range from.merged {
		copySpan(span, a, add)
	}
}

// copyLog gives what a log's records count as.
func copyLog(hour Hour, log []increment, a asked, add func(Benefit, Key, uint64)) {
	keys, any := a.ofRecords(hour)
	if !any {
		return
	}
	for _, increment := range log {
		if key, ok := keys(increment.key()); ok {
			add(increment.benefit(), key, 1)
		}
	}
}

// copySpan gives what another store's counts count as.
func copySpan(span Span, a asked, add func(Benefit, Key, uint64)) {
	keys, any := a.ofRecords(span.Hour)
	if !any {
		return
	}
	for _, entry := range span.Entries {
		if key, ok := keys(entry.Key()); ok {
			add(entry.Benefit(), key, entry.Count)
		}
	}
}
