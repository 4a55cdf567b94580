package salvage_test

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/recovery"
)

// A cell is one number that a directory answers for, in words.
type cell struct {
	// Of is "day" for positions on a day, "hour" for events of an hour, and "ever" for
	// positions of all time. When is the day or hour, 0 for what has none.
	Of                        string
	When                      uint32
	Benefit, Event            string
	Version, PageTotal, Index uint16
}

// A state is all that a directory answers.
type state map[cell]uint64

// stateOf reads a directory as a start does, and all its closed days.
func stateOf(directory string) (state, error) {
	answers := state{}
	found, err := recovery.Find(directory, newStore)
	if err != nil {
		return nil, err
	}
	benefits, events := found.Store.Benefits.Names(), found.Store.Events.Names()
	for version := range uint16(4) {
		found.Store.Read(counters.PositionsOf(version, nil), nil, func(benefit counters.Benefit, cells []counters.Cell) {
			for _, c := range cells {
				answers.add("ever", 0, benefits[benefit], events, c)
			}
		})
	}
	err = snapshot.Export(directory, counters.BuiltInKinds(), 0, counters.MaxDay+1, func(row snapshot.Exported) error {
		for _, c := range row.Cells {
			switch {
			case row.Undated: // in the sums of all time
			case row.Kind == counters.Hours:
				answers.add("hour", uint32(row.Day)*24+uint32(c.Key.HourOfDay()), row.Benefit, events, counters.Cell{Key: c.Key.WithoutHour(), Count: c.Count})
			default:
				answers.add("day", uint32(row.Day), row.Benefit, events, c)
			}
		}
		return nil
	})
	return answers, err
}

func newStore() *counters.Store { return counters.NewStore(counters.WhenDurable) }

func (s state) add(of string, when uint32, benefit string, events []string, c counters.Cell) {
	total, index := c.Key.Position()
	if of == "hour" {
		total, index = 0, 0
	}
	s[cell{of, when, benefit, events[c.Key.Event()-1], c.Key.Version(), total, index}] += c.Count
}

// numbers are the names by number that a directory gave.
type numbers struct{ benefits, events []string }

func numbersOf(t *testing.T, directory string) numbers {
	t.Helper()
	found, err := recovery.Find(directory, newStore)
	if err != nil {
		t.Fatal(err)
	}
	return numbers{found.Store.Benefits.Names(), found.Store.Events.Names()}
}

// named is a state with the true names in place of placeholders.
func (s state) named(n numbers) state {
	all := state{}
	for c, count := range s {
		c.Benefit = named(c.Benefit, "benefit", n.benefits)
		c.Event = named(c.Event, "event", n.events)
		all[c] += count
	}
	return all
}

var placeholder = regexp.MustCompile(`^__unknown_(benefit|event)_([0-9]+)__$`)

func named(name, kind string, names []string) string {
	match := placeholder.FindStringSubmatch(name)
	if match == nil || match[1] != kind {
		return name
	}
	if number, err := strconv.Atoi(match[2]); err == nil && number < len(names) {
		return names[number]
	}
	return name
}

// below says where one state has less than another, if it does.
func (s state) below(least state) (less []string) {
	for c, count := range least {
		if s[c] < count {
			less = append(less, fmt.Sprintf("%d, want at least %d: %+v", s[c], count, c))
		}
	}
	return less
}

func (s state) equal(other state) bool { return maps.Equal(s, other) }
