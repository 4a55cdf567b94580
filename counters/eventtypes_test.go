package counters_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// fullStore has a name for each number of an event type, and counts under the first few.
func fullStore(t *testing.T, counted int) *counters.Store {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	for i := range counters.MaxEventTypes {
		record := storetest.Shown("rsa", 1, 1, storetest.Noon())
		record.Event = fmt.Sprint("old-", i)
		benefit, key := storetest.Number(t, store, record)
		if i < counted {
			if err := store.Replay(record.Hour, benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return store
}

// TestNumbersThatNothingCountsUnderAreGivenAgain has every number taken, any of which some
// may count, and then more types than there is room for.
func TestNumbersThatNothingCountsUnderAreGivenAgain(t *testing.T) {
	t.Parallel()
	for counted := range counters.MaxEventTypes {
		store := fullStore(t, counted)
		before := store.Events.Names()
		store.GiveBackEventTypes(nil)
		if want := counters.MaxEventTypes - counted - 1; store.EventTypesLeft() != want {
			t.Errorf("%d are counted: there is room for %d more, want %d and one for the others", counted, store.EventTypesLeft(), want)
		}
		numbers := map[counters.EventType]string{}
		for number, name := range before[:counted] {
			numbers[counters.EventType(number+1)] = name
		}
		for i := range counters.MaxEventTypes {
			name := fmt.Sprint("new-", i)
			number, own, err := store.EventType([]byte(name))
			if err != nil || own != (i < counters.MaxEventTypes-counted-1) {
				t.Fatalf("%d are counted: type %d more has a number of its own: %v, %v", counted, i, own, err)
			}
			if !own {
				name = counters.OtherEvent
			}
			if other := numbers[number]; other != "" && other != name {
				t.Errorf("%d are counted: number %d is that of %q and of %q", counted, number, name, other)
			}
			numbers[number] = name
			if got := store.Events.Names()[number-1]; got != name {
				t.Errorf("%d are counted: number %d is called %q, want %q", counted, number, got, name)
			}
		}
		if before[counters.MaxEventTypes-1] != fmt.Sprint("old-", counters.MaxEventTypes-1) {
			t.Error("a list of names that somebody holds has changed")
		}
	}
}

func TestANameThatComesAgainGetsTheNumberThatItHad(t *testing.T) {
	t.Parallel()
	store := fullStore(t, 1)
	store.GiveBackEventTypes([]string{"old-5"})
	for name, want := range map[string]counters.EventType{"old-62": 63, "old-7": 8, "old-0": 1, "old-5": 6} {
		if number, own, err := store.EventType([]byte(name)); number != want || !own || err != nil {
			t.Errorf("%s has number %d, %v, %v, want %d", name, number, own, err, want)
		}
	}
	found := store.Events.Found()
	for number, name := range store.Events.Names() {
		if isFound := slices.Contains([]int{62, 7, 0, 5}, number); isFound != (found[number] == name) {
			t.Errorf("number %d is found as %q", number+1, found[number])
		}
	}
}

func TestANumberThatCountsKeepsItsName(t *testing.T) {
	t.Parallel()
	for says, names := range map[string]map[uint64]string{
		"was counted as":            {0: "another"},
		"number 64 of 63":           {63: "one more"},
		"two event types":           {7: "old-0"},
		"two event types have one ": {7: "twice", 8: "twice"},
	} {
		store := fullStore(t, 1)
		before := slices.Clone(store.Events.Names())
		if err := store.RenameEventTypes(names); !errors.Is(err, counters.ErrImpossibleCounts) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want ErrImpossibleCounts and %q", names, err, says)
		}
		if !slices.Equal(store.Events.Names(), before) {
			t.Errorf("%v: refused, but changed", names)
		}
	}
	store := fullStore(t, 1)
	if err := store.RenameEventTypes(map[uint64]string{0: "old-0", 7: "old-8", 8: "old-7"}); err != nil {
		t.Error(err)
	}
	if number, known := store.Events.Lookup([]byte("old-8")); number != 7 || !known {
		t.Errorf("a name that two numbers have exchanged is found at %d, %v", number, known)
	}
}

// TestManyTakeNumbersThatWereGivenBack holds that each name has one number, and each number
// one name.
func TestManyTakeNumbersThatWereGivenBack(t *testing.T) {
	t.Parallel()
	store := fullStore(t, 3)
	store.GiveBackEventTypes(nil)
	const goroutines, names = 4, counters.MaxEventTypes - 4
	var numbers [goroutines][names]counters.EventType
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for _, i := range rand.New(rand.NewPCG(1, uint64(g))).Perm(names) {
				name := fmt.Append(nil, "new-", i)
				number, own, err := store.EventType(name)
				if found, known := store.Events.Lookup(name); !own || err != nil || !known || found != uint32(number)-1 {
					t.Errorf("%s has number %d, %v, %v, and is found at %d, %v", name, number, own, err, found, known)
				}
				numbers[g][i] = number
			}
		})
	}
	all.Wait()
	for g := range numbers {
		if numbers[g] != numbers[0] {
			t.Errorf("goroutine %d was told other numbers than goroutine 0", g)
		}
	}
	taken := numbers[0]
	slices.Sort(taken[:])
	if once := slices.Compact(taken[:]); len(once) != names || once[0] != 4 {
		t.Errorf("%d names have the numbers %v", names, once)
	}
}
