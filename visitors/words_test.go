package visitors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// come has visitors of these numbers come to some variants.
func come(register *visitors.Register, day counters.Day, from, to int, assignments ...string) {
	for n := from; n < to; n++ {
		arrive(register, shown(fmt.Sprint(n), day.FirstHour(), assignments...))
	}
}

// written are the variants of a day after it was written and read, with how many stayed in
// them and how many crossed.
func written(t *testing.T, register *visitors.Register, store *counters.Store, day counters.Day) (variants []string) {
	t.Helper()
	write(t, register, store, day)
	sums, err := newRegister(t, store, visitors.DefaultLimits()).Sums(inStore{store}, day, day+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range sums.Variants {
		variants = append(variants, fmt.Sprint(v.Experiment, "=", v.Name, " ", v.Visitors(), " ", v.Crossed))
	}
	return variants
}

// unwritten are the sums of a day of which nothing is in a file.
func unwritten(t *testing.T, register *visitors.Register, day counters.Day) visitors.Sums {
	t.Helper()
	sums, err := register.Sums(inStore{newStore(t)}, day, day+1)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestANameThatFewerThanFiveVisitorsHaveIsNeitherToldNorWritten(t *testing.T) {
	store, day := newStore(t), noon.Day()
	register := newRegister(t, store, visitors.DefaultLimits())
	come(register, day, 0, 5, "place=A")
	come(register, day, 10, 13, "place=B")
	come(register, day, 13, 14, "place=C")
	come(register, day, 13, 14, "place=A") // leaves C
	come(register, day, 20, 21, "name=Ada Lovelace")
	if said := fmt.Sprint(unwritten(t, register, day)); strings.Contains(said, "Ada") {
		t.Errorf("an answer is %s", said)
	}
	got := written(t, register, store, day)
	if want := []string{"__other__=__other__ 1 0", "place=A 5 0", "place=__other__ 3 1"}; !slices.Equal(got, want) {
		t.Errorf("the variants are %q, want %q", got, want)
	}
	if words := strings.Join(store.Words.Names(), "\n"); strings.Contains(words, "Ada") || strings.Contains(words, "placeB") {
		t.Errorf("the words are %q", words)
	}
}

func TestAVariantKeepsItsNameOnAQuietDay(t *testing.T) {
	store, day := newStore(t), noon.Day()
	register := newRegister(t, store, visitors.DefaultLimits())
	come(register, day, 0, 5, "place=A")
	written(t, register, store, day)
	come(register, day+1, 0, 1, "place=A")
	if got, want := written(t, register, store, day+1), []string{"place=A 1 0"}; !slices.Equal(got, want) {
		t.Errorf("the variants are %q, want %q", got, want)
	}
}

func TestNamesThatAreMadeUpLeaveWordsForOthers(t *testing.T) {
	for name, visitorsOfName := range map[string]int{"a visitor each": 1, "as many visitors as are told apart": 5} {
		t.Run(name, func(t *testing.T) {
			store, day := newStore(t), noon.Day()
			for range counters.MaxWords/64 + 6 {
				register := newRegister(t, store, visitors.DefaultLimits())
				for n := range 64 {
					come(register, day, visitorsOfName*n, visitorsOfName*(n+1), fmt.Sprintf("%d=%d", day, n))
				}
				write(t, register, store, day)
				day++
			}
			register := newRegister(t, store, visitors.DefaultLimits())
			come(register, day, 0, 20, "place=A")
			if got, want := written(t, register, store, day), []string{"place=A 20 0"}; !slices.Equal(got, want) {
				t.Errorf("with %d words taken the variants are %q, want %q", store.Words.Len(), got, want)
			}
		})
	}
}

func TestNamesThatAreMadeUpLeaveADayRoomForThoseOfEarlierDays(t *testing.T) {
	store, day := newStore(t), noon.Day()
	limits := visitors.DefaultLimits()
	limits.Variants = 2
	register := newRegister(t, store, limits)
	come(register, day, 0, 5, "place=A")
	written(t, register, store, day)
	register.Close(day)
	day++
	come(register, day, 0, 5, "new=A")
	come(register, day, 0, 5, "newer=A")
	come(register, day, 0, 6, "place=A")
	come(register, day, 6, 10, "newest=A")
	got := written(t, register, store, day)
	if want := []string{"__other__=__other__ 4 0", "new=A 5 0", "newer=A 5 0", "place=A 6 0"}; !slices.Equal(got, want) {
		t.Errorf("the variants are %q, want %q", got, want)
	}
	register.Close(day)
	come(register, day, 0, 1, "new=A") // late
	if got := unwritten(t, register, day).Variants; len(got) != 4 || got[3].Experiment != "place" {
		t.Errorf("of a day that was opened again the variants are %+v, want the four of before", got)
	}
}
