// Package correction says what becomes of counts that should have been others: pure
// functions, which change nothing.
//
// The one idea: a correction is a function from a day and the name of a benefit to the
// name under which its counts are to stand, or to nothing. It is applied to every table of
// every kind alike, so that a new kind of counts needs no correction of its own. Package
// snapshot applies it to a directory.
package correction

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"stats-recorder/counters"
)

// maxBenefitBytes is the length of the longest name that a record can have.
const maxBenefitBytes = 256

// What makes no correction.
var (
	// ErrName is returned for a name that no benefit can have.
	ErrName = errors.New("no benefit can have this name: want 1 to 256 bytes of UTF-8")
	// ErrSame is returned for a name that is to become itself.
	ErrSame = errors.New("the names are the same")
	// ErrAll is returned for a drop of everything.
	ErrAll = errors.New("say what to drop: a benefit, the days, or both")
	// ErrNoDays is returned for days of which the first is not before the end.
	ErrNoDays = errors.New("the first day is not before the day to stop at")
)

// A Correction says what becomes of the counts of a directory.
type Correction struct {
	// old and new are names; old is empty for every benefit, new for none.
	old, new string
	// from and to bound the days, half open. Counts of no known day are within only if
	// all days are.
	from, to counters.Day
}

// Rename has what counts under one name count under another, which may have counts
// already: then both are added up.
func Rename(old, new string) (Correction, error) {
	for _, name := range []string{old, new} {
		if err := checkName(name); err != nil {
			return Correction{}, err
		}
	}
	if old == new {
		return Correction{}, fmt.Errorf("%w: %q", ErrSame, old)
	}
	return Correction{old: old, new: new, to: counters.MaxDay + 1}, nil
}

// Drop forgets what a benefit, or with no name every one, counted on the days from a day
// on and before another: 0 for from the first day, and counters.MaxDay + 1 for to the
// last.
func Drop(benefit string, from, to counters.Day) (Correction, error) {
	c := Correction{old: benefit, from: from, to: to}
	switch {
	case benefit == "" && c.isOfAllTime():
		return Correction{}, ErrAll
	case from >= to:
		return Correction{}, fmt.Errorf("%w: %s and %s", ErrNoDays, from, to)
	case benefit != "":
		return c, checkName(benefit)
	}
	return c, nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxBenefitBytes || !utf8.ValidString(name) {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

func (c Correction) isOfAllTime() bool { return c.from == 0 && c.to > counters.MaxDay }

// From is the first day whose counts it may change.
func (c Correction) From() counters.Day { return c.from }

// covers says whether counts of a day may change; counters.Past stands for counts of no
// known day.
func (c Correction) covers(day counters.Day) bool {
	if day == counters.Past {
		return c.isOfAllTime()
	}
	return day >= c.from && day < c.to
}

// Target is the name that counts are added to, empty for none.
func (c Correction) Target() string { return c.new }

// A Mapping is a correction in the numbers of a store.
type Mapping struct {
	correction Correction
	kinds      counters.Kinds
	old, new   counters.Benefit
	found      bool // the old name has a number
}

// In returns the correction in the numbers of a store, which learns the new name.
func (c Correction) In(store *counters.Store) (Mapping, error) {
	m := Mapping{correction: c, kinds: store.Kinds()}
	old, found := store.Benefits.Lookup([]byte(c.old))
	m.old, m.found = counters.Benefit(old), found || c.old == ""
	if c.new == "" || !found {
		return m, nil
	}
	number, err := store.Benefits.Number([]byte(c.new))
	m.new = counters.Benefit(number)
	return m, err
}

// Becomes returns the number under which what a part has of a benefit is to stand, and
// whether it is to stay at all.
func (m Mapping) Becomes(part counters.Part, benefit counters.Benefit) (counters.Benefit, bool) {
	rule, _ := m.kinds.Rule(part.Kind)
	switch {
	case !m.found || !m.correction.covers(part.Day):
		return benefit, true
	case m.correction.old == "":
		return benefit, false
	case rule.Overall || benefit != m.old:
		return benefit, true
	}
	return m.new, m.correction.new != ""
}
