package visitors

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"stats-recorder/counters"
)

// MaxOpenDays is how many days a ledger has open.
const MaxOpenDays = 3

// maxWaiting is how many days that the ledger closed by itself wait for their
// owner.
const maxWaiting = 3

// Limits bound the memory of an open day. When they are reached its tables take at
// most about
//
//	Visitors × 74 bytes + Pairs × 12 bytes
//
// and half of that where they have not just doubled: 11 MB with DefaultLimits, and
// at most 12. While one of the 16 shards grows, halves or is read, there is a copy of it.
type Limits struct {
	// Visitors is how many are kept of a day (MAX_VISITORS).
	Visitors int
	// Pairs is how many pairs of visitor and benefit are (MAX_VISITOR_PAIRS).
	Pairs int
	// Variants is how many variants a day has by name (MAX_VARIANTS), beside those that
	// have a word of earlier days, of which it has up to 126 in all; others count under
	// Other.
	Variants int
}

// DefaultLimits are for a site of some 60,000 visitors a day.
func DefaultLimits() Limits { return Limits{Visitors: 1 << 16, Pairs: 1 << 19, Variants: 64} }

const (
	maxVisitors = 1 << 28
	maxPairs    = 1 << 30
)

// ErrLimits is returned for limits that no ledger can have.
var ErrLimits = errors.New("limit of visitors out of range")

func (l Limits) check() error {
	for _, limit := range []struct {
		name       string
		have, most int
	}{
		{"visitors", l.Visitors, maxVisitors}, {"pairs of visitor and benefit", l.Pairs, maxPairs}, {"variants", l.Variants, maxVariants},
	} {
		if limit.have < 1 || limit.have > limit.most {
			return fmt.Errorf("%w: %s are %d, want 1 to %d", ErrLimits, limit.name, limit.have, limit.most)
		}
	}
	return nil
}

// Config is what a ledger needs to know. It does not change.
type Config struct {
	Limits Limits
	// Anonymous are prefixes of ids that are no visitor (ANONYMOUS_IDS). Their
	// records are counted, nothing else is. An empty id is anonymous too.
	Anonymous []string
	Stages    StageTable
	// Variants reads the sources that Batch.Visit is given; nil if no visitor is in a variant.
	Variants Variants

	// known says whether a variant is one of those of earlier days; nil for none.
	known func(Assignment) bool
}

// Variants visits the variants that a source says, of each experiment one. The texts are
// those of the source.
type Variants func(source []byte, visit func(experiment, variant []byte))

// A Ledger is the visitors of the open days. All methods may be called by any
// goroutine at any time. The zero value is not usable; see New.
type Ledger struct {
	config Config
	// secret returns the random key of a new day.
	secret func() [2]uint64

	// open are the open days, oldest first. The list is replaced, never changed.
	open     atomic.Pointer[[]*day]
	changing sync.Mutex // held by whoever replaces open or changes waiting
	// waiting are days that were closed for want of room, oldest first.
	waiting []Sums

	refused atomic.Uint64
	lost    atomic.Uint64
}

// New returns an empty ledger. It returns ErrLimits for limits out of range.
func New(config Config) (*Ledger, error) {
	if err := config.Limits.check(); err != nil {
		return nil, err
	}
	config.Anonymous = slices.Clone(config.Anonymous)
	if config.Variants == nil {
		config.Variants = func([]byte, func(experiment, variant []byte)) {}
	}
	if config.known == nil {
		config.known = func(Assignment) bool { return false }
	}
	l := &Ledger{config: config, secret: randomSecret}
	l.open.Store(new([]*day))
	return l, nil
}

func randomSecret() [2]uint64 {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: where there is no randomness it ends the program
	return [2]uint64{binary.LittleEndian.Uint64(random[:]), binary.LittleEndian.Uint64(random[8:])}
}

// Format keeps the ledger out of logs and messages.
func (l *Ledger) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte("visitors.Ledger")) }

// Add counts the records of one posted batch, each in its day. The ledger keeps none
// of their bytes. A record is refused if its day is older than MaxOpenDays days that are
// open; one that is newer than the oldest of these closes that one, whose sums wait for
// Close.
func (l *Ledger) Add(b *Batch) {
	for visits := b.visits; len(visits) > 0; {
		n := 0
		for ; n < len(visits) && visits[n].date == visits[0].date; n++ {
			visits[n].due = true
		}
		l.addVisits(b, visits[:n])
		visits = visits[n:]
	}
}

// addVisits counts visits of one day.
func (l *Ledger) addVisits(b *Batch, visits []visit) {
	for {
		d := l.dayOf(visits[0].date)
		if d == nil {
			l.refuse(visits)
			return
		}
		if d.add(b, visits) {
			return
		}
		// It has been closed meanwhile.
	}
}

// refuse counts the records that are still due.
func (l *Ledger) refuse(visits []visit) {
	for i := range visits {
		if v := &visits[i]; v.due {
			l.refused.Add(uint64(v.records.end - v.records.start))
		}
	}
}

// dayOf is the open day of a date, opened if need be; nil if it is too old.
func (l *Ledger) dayOf(date counters.Day) *day {
	if d := find(*l.open.Load(), date); d != nil {
		return d
	}
	l.changing.Lock()
	defer l.changing.Unlock()
	open := *l.open.Load()
	if d := find(open, date); d != nil {
		return d
	}
	if len(open) == MaxOpenDays {
		if date < open[0].date {
			return nil
		}
		l.wait(open[0].end())
		open = open[1:]
	}
	d := newDay(date, &l.config, l.secret())
	open = append(slices.Clone(open), d)
	slices.SortFunc(open, func(a, b *day) int { return cmp.Compare(a.date, b.date) })
	l.open.Store(&open)
	return d
}

func find(open []*day, date counters.Day) *day {
	for _, d := range open {
		if d.date == date {
			return d
		}
	}
	return nil
}

// wait keeps the sums of a day until Close. The caller holds changing.
func (l *Ledger) wait(sums Sums) {
	l.waiting = append(l.waiting, sums)
	if len(l.waiting) > maxWaiting {
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.lost.Add(1)
	}
}

// Days are the days that there are sums of, oldest first: the open ones and those
// closed by Add.
func (l *Ledger) Days() []counters.Day {
	l.changing.Lock()
	defer l.changing.Unlock()
	var dates []counters.Day
	for _, sums := range l.waiting {
		dates = append(dates, sums.Day)
	}
	for _, d := range *l.open.Load() {
		dates = append(dates, d.date)
	}
	slices.Sort(dates)
	return slices.Compact(dates)
}

// Sums are the sums of a day as it is now, whether it is open or waits for Close;
// not ok if it is neither. Each visitor is in them as at one moment of the call, with
// all that the visitor had done by then; different visitors may be of different
// moments. Who adds meanwhile waits at most for a copy of one shard.
func (l *Ledger) Sums(date counters.Day) (sums Sums, ok bool) {
	for {
		d, waiting, waits := l.partsOf(date)
		if d == nil {
			return waiting, waits
		}
		if sums, ok = d.sums(); ok {
			return both(waiting, waits, sums), true
		}
		// It has been closed meanwhile and may wait now.
	}
}

// partsOf are the open day of a date, nil if there is none, and the sums that wait.
func (l *Ledger) partsOf(date counters.Day) (d *day, waiting Sums, waits bool) {
	l.changing.Lock()
	defer l.changing.Unlock()
	for _, sums := range l.waiting {
		if sums.Day == date {
			waiting, waits = both(waiting, waits, sums), true
		}
	}
	return find(*l.open.Load(), date), waiting, waits
}

// both are the sums of a day and, if there are any, those of an earlier part of it.
func both(earlier Sums, any bool, sums Sums) Sums {
	if !any {
		return sums
	}
	return earlier.Merge(sums, maxVariants)
}

// Close ends a day, forgets its key and its hashes and returns its last sums; not
// ok if there are none. A record that comes for this day later opens it anew, with
// another key: the sums of both are merged by their owner, and a visitor of both
// counts twice.
func (l *Ledger) Close(date counters.Day) (sums Sums, ok bool) {
	l.changing.Lock()
	defer l.changing.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(waiting Sums) bool {
		if waiting.Day != date {
			return false
		}
		sums, ok = both(sums, ok, waiting), true
		return true
	})
	open := *l.open.Load()
	if d := find(open, date); d != nil {
		left := slices.DeleteFunc(slices.Clone(open), func(other *day) bool { return other == d })
		l.open.Store(&left)
		sums, ok = both(sums, ok, d.end()), true
	}
	return sums, ok
}
