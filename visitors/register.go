package visitors

import (
	"slices"
	"sync"
	"sync/atomic"

	"stats-recorder/counters"
)

// A Register is the visitors of a store: the ledger of the open days, and what earlier
// processes wrote of these and of all other days. Its methods may be called by any
// goroutine at any time, but Changes, Days, Close, Counts and Forget, which are for the one
// goroutine that writes snapshots (snapshot.Register).
type Register struct {
	ledger *Ledger
	words  *counters.Directory

	changed atomic.Bool
	changes uint64

	mu sync.Mutex
	// ended are the parts of days that the ledger has closed and no file has.
	ended map[counters.Day]Sums
	// moves counts how often a part of a day went on: from the ledger to ended, from
	// there to a file. Who reads them one after the other begins again if one did.
	moves atomic.Uint64
}

// NewRegister returns the register of a store that has these words. It returns ErrLimits
// for limits out of range.
func NewRegister(words *counters.Directory, config Config) (*Register, error) {
	config.known = func(a Assignment) bool {
		var buffer [2 + 2*MaxNameBytes]byte
		_, known := words.Lookup(appendVariantWord(buffer[:0], a.Experiment, a.Variant))
		return known
	}
	ledger, err := New(config)
	if err != nil {
		return nil, err
	}
	return &Register{ledger: ledger, words: words, ended: map[counters.Day]Sums{}}, nil
}

// Add counts the records of a batch, which must be durable.
func (r *Register) Add(b *Batch) {
	if b.Len() == 0 {
		return
	}
	r.ledger.Add(b)
	if !r.changed.Load() { // or all processors would write to it all the time
		r.changed.Store(true)
	}
}

// Stats are figures of the ledger.
func (r *Register) Stats() Stats { return r.ledger.Stats() }

// Changes grows when records were added since it was asked last.
func (r *Register) Changes() uint64 {
	if r.changed.Swap(false) {
		r.changes++
	}
	return r.changes
}

// Days are the days of which there is something that is in no file, in order. Those that
// the ledger had no room for any more are closed.
func (r *Register) Days() []counters.Day {
	days := r.ledger.Days()
	for len(days) > MaxOpenDays {
		r.Close(days[0])
		days = days[1:]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for day := range r.ended {
		days = append(days, day)
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// Close ends a day in the ledger.
func (r *Register) Close(day counters.Day) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sums, ok := r.ledger.Close(day)
	if !ok {
		return
	}
	if earlier, any := r.ended[day]; any {
		sums = earlier.Merge(sums, maxVariants)
	}
	r.ended[day] = sums
	r.moves.Add(1)
}

// Counts adds what there is of a day that is in no file to the tables of both kinds.
func (r *Register) Counts(day counters.Day, table func(counters.Kind) *counters.Table) {
	if sums, any := r.unwritten(day); any {
		newEncoder(r.words, table).add(&sums)
	}
}

// Forget drops the closed parts of days.
func (r *Register) Forget(days []counters.Day) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, day := range days {
		delete(r.ended, day)
	}
	r.moves.Add(1)
}

// unwritten are the sums of a day that are in no file, as they are written: an answer does not
// change when they are.
func (r *Register) unwritten(day counters.Day) (sums Sums, any bool) {
	for {
		moves := r.moves.Load()
		r.mu.Lock()
		ended, closed := r.ended[day]
		r.mu.Unlock()
		sums, any = r.ledger.Sums(day)
		if r.moves.Load() != moves {
			continue
		}
		if any {
			sums = both(ended, closed, sums)
		} else {
			sums, any = ended, closed
		}
		sums.Variants = named(sums.Variants, r.words)
		return sums, any
	}
}

// A History reads counts of all of time: of closed days and of what the store has.
type History interface {
	Read(counters.Query, func(counters.Benefit, []counters.Cell)) error
}

// Sums are the sums over the visitors of the days from one up to but without another,
// with names of variants, and by benefit. The error is of the history.
func (r *Register) Sums(history History, from, to counters.Day) (Sums, error) {
	var all Sums
	err := r.read(func() error {
		d := newDecoder(r.words.Names())
		bounds := []counters.Hour{from.FirstHour(), to.FirstHour()}
		if err := history.Read(wholeQuery(counters.Visitors, bounds), func(_ counters.Benefit, cells []counters.Cell) {
			d.addVisitors(cells)
		}); err != nil {
			return err
		}
		if err := history.Read(wholeQuery(counters.VisitorsByBenefit, bounds), d.addBenefit); err != nil {
			return err
		}
		all = d.sums(from)
		for _, day := range r.unwrittenDays() {
			if day >= from && day < to {
				if sums, any := r.unwritten(day); any {
					all = all.Merge(sums, counters.MaxWords)
				}
			}
		}
		return nil
	})
	return all, err
}

func wholeQuery(kind counters.Kind, bounds []counters.Hour) counters.Query {
	return counters.Query{Kind: kind, Bounds: bounds, Project: func(_ uint32, key counters.Key) (counters.Key, bool) {
		return key, true
	}}
}

// MaxDays is how many days Daily tells apart.
const MaxDays = counters.MaxWords

// Daily are the sums over all visitors of each day from one up to but without another, at
// most MaxDays, oldest first; days without any are left out. They have neither variants
// nor benefits. The error is of the history.
func (r *Register) Daily(history History, from, to counters.Day) ([]Sums, error) {
	to = min(to, from+MaxDays)
	var days []Sums
	err := r.read(func() error {
		levels := make(map[counters.Day]*decoder)
		if err := history.Read(dailyQuery(from, to), func(_ counters.Benefit, cells []counters.Cell) {
			for _, cell := range cells {
				at := cell.Key.Detail()
				day := from + counters.Day(at.Word)
				if levels[day] == nil {
					levels[day] = newDecoder(nil)
				}
				at.Word = 0
				levels[day].addVisitors([]counters.Cell{{Key: at.Key(), Count: cell.Count}})
			}
		}); err != nil {
			return err
		}
		days = r.daily(levels, from, to)
		return nil
	})
	return days, err
}

// dailyQuery asks for what counts for all visitors, with the day in place of a word.
func dailyQuery(from, to counters.Day) counters.Query {
	var bounds []counters.Hour
	for day := from; day <= to; day++ {
		bounds = append(bounds, day.FirstHour())
	}
	return counters.Query{Kind: counters.Visitors, Bounds: bounds, Project: func(step uint32, key counters.Key) (counters.Key, bool) {
		at := key.Detail()
		if at.Word != 0 {
			return 0, false
		}
		at.Word = uint16(step)
		return at.Key(), true
	}}
}

// daily adds what is in no file to what was read.
func (r *Register) daily(read map[counters.Day]*decoder, from, to counters.Day) (days []Sums) {
	unwritten := r.unwrittenDays()
	for day := from; day < to; day++ {
		decoded, some := read[day]
		sums := Sums{Day: day}
		if some {
			sums = decoded.sums(day)
		}
		if slices.Contains(unwritten, day) {
			if more, any := r.unwritten(day); any {
				sums, some = sums.Merge(Sums{
					Halvings: more.Halvings, PairHalvings: more.PairHalvings, AnonymousRecords: more.AnonymousRecords, All: more.All,
				}, 0), true
			}
		}
		if some {
			days = append(days, sums)
		}
	}
	return days
}

func (r *Register) unwrittenDays() []counters.Day {
	days := r.ledger.Days()
	r.mu.Lock()
	defer r.mu.Unlock()
	for day := range r.ended {
		days = append(days, day)
	}
	return slices.Compact(slices.Sorted(slices.Values(days)))
}

// read has files and memory read again if a part of a day went from one to the other
// meanwhile, so that each is in the answer once.
func (r *Register) read(once func() error) error {
	for {
		moves := r.moves.Load()
		if err := once(); err != nil || r.moves.Load() == moves {
			return err
		}
	}
}

// A Reader reads the visitors of all of time, those of closed days in a history. Any
// number of goroutines may use it.
type Reader struct {
	register *Register
	history  History
	keptFrom func() counters.Day
}

// Reader returns a reader that shows no day before keptFrom, which is asked each time.
func (r *Register) Reader(history History, keptFrom func() counters.Day) *Reader {
	return &Reader{r, history, keptFrom}
}

// Sums is Register.Sums of the days that are kept.
func (r *Reader) Sums(from, to counters.Day) (Sums, error) {
	from = max(from, r.keptFrom())
	return r.register.Sums(r.history, from, max(from, to))
}

// Daily is Register.Daily of the days that are kept.
func (r *Reader) Daily(from, to counters.Day) ([]Sums, error) {
	from = max(from, r.keptFrom())
	return r.register.Daily(r.history, from, max(from, to))
}

// KeptFrom is the first day that is shown; 0 for all.
func (r *Reader) KeptFrom() counters.Day { return r.keptFrom() }
