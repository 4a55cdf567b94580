package counters

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A Kind says what the keys of a part mean. Files name kinds by these numbers:
// a number is never given to another kind.
type Kind uint8

const (
	// Positions counts records under their own keys.
	Positions Kind = 1
	// Hours counts the records of each event type in each hour of a day.
	Hours Kind = 2
	// Visitors are the sums over the visitors of a day, and VisitorsByBenefit those
	// over the visitors of each benefit. Package visitors has their keys.
	Visitors          Kind = 3
	VisitorsByBenefit Kind = 4
	// Oddities count what clients sent that was odd. Package oddities has their keys.
	Oddities Kind = 5
)

// MaxKind is the largest number of a kind.
const MaxKind Kind = 99

// Past is the day of a part that has all closed days together, and what has no day.
const Past = Day(math.MaxUint32)

// A Part is one of the tables that a store is made of: the counts of one kind on
// one day.
type Part struct {
	Kind Kind
	Day  Day
}

// A KindRule describes a kind to all who keep parts: layers, files, exports.
type KindRule struct {
	// Kind is its number, from 1 to MaxKind.
	Kind Kind
	// Name is what people read, in exports.
	Name string
	// OfRecord is the key under which a record of an hour and a key counts, or 0
	// where it does not; nil when records add nothing.
	OfRecord func(Hour, Key) Key
	// LooksAt are the fields of the record's key that OfRecord looks at; 0 means all.
	// Records that agree in them are added up before OfRecord is asked.
	LooksAt Key
	// Hourly kinds hold the hour of the day in their keys, see Key.AtHour. The file
	// of a day has their totals without the hour too.
	Hourly bool
	// Kept kinds stay summed up under Past when their days are closed.
	Kept bool
	// Detailed kinds have the keys of a Detail.
	Detailed bool
	// Passing kinds leave closed days after a time of their own, before the rest of the
	// day does.
	Passing bool
	// Overall kinds count of no benefit: all that they have stands under Benefit 0, whether
	// a benefit has that number or not.
	Overall bool
	// Valid says whether a key that came from outside can be one of this kind. It is
	// asked only for keys that a Key can be; nil for all of these.
	Valid func(Key) bool
}

// Kinds are the rules of all kinds that a store has, in the order of their numbers.
// They begin with Positions, which records are made of.
type Kinds []KindRule

// BuiltInKinds are the kinds that every store has.
func BuiltInKinds() Kinds {
	return Kinds{
		{
			Kind:     Positions,
			Name:     "positions",
			OfRecord: func(_ Hour, key Key) Key { return key },
			Kept:     true,
		},
		{
			Kind:     Hours,
			Name:     "hours",
			OfRecord: func(hour Hour, key Key) Key { return TotalKey(key.Event()).AtHour(hour) },
			LooksAt:  EventField,
			Hourly:   true,
			Valid:    func(key Key) bool { return key.WithoutHour() == TotalKey(key.Event()) },
		},
		{Kind: Visitors, Name: "visitors", Detailed: true, Overall: true, Passing: true},
		{Kind: VisitorsByBenefit, Name: "visitors by benefit", Detailed: true, Passing: true},
		{Kind: Oddities, Name: "odd input", Detailed: true, Overall: true},
	}
}

// ErrKinds is returned for kinds that cannot be told apart.
var ErrKinds = errors.New("impossible kinds of counts")

// With are these kinds and some more. It returns ErrKinds for a number that two
// have, or none can have.
func (k Kinds) With(further ...KindRule) (Kinds, error) {
	all := slices.Concat(k, further)
	slices.SortFunc(all, func(a, b KindRule) int { return cmp.Compare(a.Kind, b.Kind) })
	for i, rule := range all {
		if rule.Kind == 0 || rule.Kind > MaxKind || (i > 0 && all[i-1].Kind == rule.Kind) {
			return nil, fmt.Errorf("%w: %q has number %d, want one from 1 to %d of its own", ErrKinds, rule.Name, rule.Kind, MaxKind)
		}
	}
	return all, nil
}

// Rule is the rule of a kind, and whether there is one.
func (k Kinds) Rule(kind Kind) (KindRule, bool) {
	if place, known := k.place(kind); known {
		return k[place], true
	}
	return KindRule{}, false
}

// place is where the rule of a kind is, and whether there is one.
func (k Kinds) place(kind Kind) (int, bool) {
	place := slices.IndexFunc(k, func(rule KindRule) bool { return rule.Kind == kind })
	return place, place >= 0
}

// PartsOf are the parts of a day, in the order of their kinds.
func (k Kinds) PartsOf(day Day) []Part {
	parts := make([]Part, len(k))
	for i, rule := range k {
		parts[i] = Part{rule.Kind, day}
	}
	return parts
}

// valid says whether a key that came from outside can be one of this kind.
func (r *KindRule) valid(key Key) bool {
	return (!r.Hourly || key.HourOfDay() < 24) && (!r.Detailed || key.isDetail()) && (r.Valid == nil || r.Valid(key))
}
