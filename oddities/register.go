package oddities

import (
	"maps"
	"slices"
	"sync"

	"stats-recorder/counters"
)

// day is how often each oddity came.
type day map[Oddity]uint64

// A Register counts the oddities of the days of a store. Any goroutine may add and read;
// the other methods are those of a snapshot.Register.
type Register struct {
	words *counters.Directory

	mu sync.Mutex
	// open are days that count, ended those that were closed and are in no file yet.
	open, ended map[counters.Day]day
	changes     uint64
	// since are those of all days since the start, with at most MaxNames names.
	since day
	// moves counts how often days went on to files.
	moves uint64
}

// NewRegister returns the register of a store that has these words.
func NewRegister(words *counters.Directory) *Register {
	return &Register{words: words, open: map[counters.Day]day{}, ended: map[counters.Day]day{}, since: day{}}
}

// Add counts that an oddity came so often on a day.
func (r *Register) Add(date counters.Day, oddity Oddity, times uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[date] == nil {
		r.open[date] = day{}
	}
	r.changes++
	r.open[date][r.bounded(r.open[date], oddity.short())] += times
	r.since[r.bounded(r.since, oddity.short())] += times
}

// Since are the oddities that came since the start, by field, reason and name.
func (r *Register) Since() []Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sorted(r.since)
}

// bounded is the oddity without its name where there are too many.
func (r *Register) bounded(d day, oddity Oddity) Oddity {
	if oddity.Name == "" || d[oddity] > 0 {
		return oddity
	}
	names := 0
	for other := range d {
		if other.Name != "" {
			names++
		}
	}
	if names >= MaxNames || r.words.Len() >= counters.MaxWords/2 { // variants need words too
		oddity.Name = ""
	}
	return oddity
}

// Changes grows when anything is counted.
func (r *Register) Changes() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes
}

// Days are the days of which something is in no file.
func (r *Register) Days() []counters.Day {
	r.mu.Lock()
	defer r.mu.Unlock()
	days := slices.AppendSeq(slices.Collect(maps.Keys(r.open)), maps.Keys(r.ended))
	slices.Sort(days)
	return slices.Compact(days)
}

// Close ends a day: what comes later for it is a part of its own.
func (r *Register) Close(date counters.Day) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for oddity, times := range r.open[date] {
		if r.ended[date] == nil {
			r.ended[date] = day{}
		}
		r.ended[date][oddity] += times
	}
	delete(r.open, date)
}

// Counts adds what there is of a day that is in no file to the table of the kind.
func (r *Register) Counts(date counters.Day, table func(counters.Kind) *counters.Table) {
	for oddity, times := range r.unwritten(date) {
		if number, err := r.words.Number(oddity.word()); err == nil {
			table(counters.Oddities).Add(0, counters.Detail{Word: uint16(number) + 1}.Key(), times)
		}
	}
}

// Forget drops the closed parts of days.
func (r *Register) Forget(days []counters.Day) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, date := range days {
		delete(r.ended, date)
	}
	r.moves++
}

func (r *Register) unwritten(date counters.Day) day {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := maps.Clone(r.open[date])
	if all == nil {
		all = day{}
	}
	for oddity, times := range r.ended[date] {
		all[oddity] += times
	}
	return all
}

// A History reads counts of all of time: of closed days and of what the store has.
type History interface {
	Read(counters.Query, func(counters.Benefit, []counters.Cell)) error
}

// A Count is how often an oddity came.
type Count struct {
	Oddity
	Times uint64
}

// Counted are the oddities of the days from one up to but without another, by field,
// reason and name. The error is of the history.
func (r *Register) Counted(history History, from, to counters.Day) ([]Count, error) {
	for {
		moves := r.moved()
		all, err := r.read(history, from, to)
		if err != nil {
			return nil, err
		}
		for _, date := range r.Days() {
			if date >= from && date < to {
				for oddity, times := range r.unwritten(date) {
					all[oddity] += times
				}
			}
		}
		if r.moved() == moves {
			return sorted(all), nil
		}
	}
}

func (r *Register) moved() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.moves
}

func (r *Register) read(history History, from, to counters.Day) (day, error) {
	all, words := day{}, r.words.Names()
	query := counters.Query{
		Kind: counters.Oddities, Bounds: []counters.Hour{from.FirstHour(), to.FirstHour()},
		Project: func(_ uint32, key counters.Key) (counters.Key, bool) { return key, true },
	}
	err := history.Read(query, func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			number := int(cell.Key.Detail().Word) - 1
			if number < 0 || number >= len(words) {
				continue
			}
			if oddity, is := oddityOf(words[number]); is {
				all[oddity] += cell.Count
			}
		}
	})
	return all, err
}

func sorted(all day) []Count {
	counts := make([]Count, 0, len(all))
	for oddity, times := range all {
		counts = append(counts, Count{oddity, times})
	}
	slices.SortFunc(counts, func(a, b Count) int { return a.compare(b.Oddity) })
	return counts
}
