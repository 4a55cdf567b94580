package visitors_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// inStore is a history without closed days.
type inStore struct{ *counters.Store }

func (s inStore) Read(q counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	s.Store.Read(q, nil, visit)
	return nil
}

func newStore(t testing.TB) *counters.Store {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	_, _ = store.Events.Number([]byte("show"))
	for benefit := range 10_000 {
		_, _ = store.Benefits.Number(fmt.Append(nil, benefit))
	}
	return store
}

func newRegister(t testing.TB, store *counters.Store, limits visitors.Limits) *visitors.Register {
	t.Helper()
	register, err := visitors.NewRegister(store.Words, visitors.Config{Limits: limits, Anonymous: []string{"uid_"}, Stages: stageTable(), Variants: visitors.ReadSource})
	if err != nil {
		t.Fatal(err)
	}
	return register
}

func arrive(register *visitors.Register, records []visitors.Recorded) {
	var batch visitors.Batch
	batch.Fill(records)
	register.Add(&batch)
}

// write restores in a store what a register has of a day, as a snapshot does and the next
// start.
func write(t testing.TB, register *visitors.Register, store *counters.Store, day counters.Day) {
	t.Helper()
	tables := map[counters.Kind]*counters.Table{}
	register.Counts(day, func(kind counters.Kind) *counters.Table {
		tables[kind] = counters.NewTable(1)
		return tables[kind]
	})
	for kind, table := range tables {
		for benefit := range counters.Benefit(store.Benefits.Len()) {
			if err := store.Restore(counters.Part{Kind: kind, Day: day}, benefit, table.Cells(benefit, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func sumsOf(t testing.TB, register *visitors.Register, store *counters.Store) visitors.Sums {
	t.Helper()
	sums, err := register.Sums(inStore{store}, noon.Day(), noon.Day()+1)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestSumsAreTheSameAfterTheyWereWrittenAndRead(t *testing.T) {
	for name, limits := range map[string]visitors.Limits{"all": visitors.DefaultLimits(), "a sample": {Visitors: 20, Pairs: 60, Variants: 64}} {
		t.Run(name, func(t *testing.T) {
			store := newStore(t)
			register := newRegister(t, store, limits)
			random := rand.New(rand.NewPCG(1, 2))
			for range 50 {
				arrive(register, randomBatch(random))
			}
			want := sumsOf(t, register, store)
			if want.All.Visitors() == 0 || len(want.Variants) == 0 || want.AnonymousRecords == 0 {
				t.Fatalf("the test says nothing: %+v", want)
			}
			write(t, register, store, noon.Day())
			next := newRegister(t, store, limits)
			if got := sumsOf(t, next, store); !reflect.DeepEqual(got, want) {
				t.Errorf("read are %d visitors, written were %d", got.All.Visitors(), want.All.Visitors())
			}
		})
	}
}

func TestADayIsWhatEarlierProcessesWroteAndWhatThisOneSees(t *testing.T) {
	store := newStore(t)
	first := newRegister(t, store, visitors.DefaultLimits())
	come(first, noon.Day(), 0, 5, "place=A")
	arrive(first, shown("uid_1", noon))
	write(t, first, store, noon.Day())
	second := newRegister(t, store, visitors.DefaultLimits())
	come(second, noon.Day(), 5, 10, "place=B")
	sums := sumsOf(t, second, store)
	if sums.All.Visitors() != 10 || sums.AnonymousRecords != 1 || len(sums.Variants) != 2 {
		t.Errorf("both have %+v", sums)
	}
	days, err := second.Daily(inStore{store}, noon.Day()-3, noon.Day()+3)
	if err != nil || len(days) != 1 || days[0].Day != noon.Day() || days[0].All != sums.All || days[0].AnonymousRecords != 1 {
		t.Errorf("by day: %+v, %v", days, err)
	}
}

func TestADayThatIsBeingClosedIsReadOnceUntilItIsForgotten(t *testing.T) {
	store := newStore(t)
	register := newRegister(t, store, visitors.DefaultLimits())
	expect := func(when string, want uint64) {
		t.Helper()
		if sums := sumsOf(t, register, store); sums.All.Visitors() != want {
			t.Errorf("%s there are %d visitors, want %d", when, sums.All.Visitors(), want)
		}
	}
	arrive(register, shown("one", noon))
	register.Close(noon.Day())
	expect("closed", 1)
	arrive(register, shown("late", noon))
	expect("opened again", 2)
	register.Close(noon.Day())
	expect("closed again", 2)
	arrive(register, shown("later", noon))
	register.Forget([]counters.Day{noon.Day()})
	expect("after what was closed is in a file", 1)
}

func TestMoreDaysThanTheLedgerHasOpenAreKeptUntilTheyAreWritten(t *testing.T) {
	store := newStore(t)
	register := newRegister(t, store, visitors.DefaultLimits())
	for day := range counters.Day(12) {
		arrive(register, shown("one", (noon.Day()+day).FirstHour()))
		register.Days()
	}
	if days := register.Days(); len(days) != 12 || register.Stats().LostDays != 0 {
		t.Errorf("there are %d days, %d are lost, want 12 and 0", len(days), register.Stats().LostDays)
	}
}

func TestChangesGrowWithWhatIsAdded(t *testing.T) {
	register := newRegister(t, newStore(t), visitors.DefaultLimits())
	before := register.Changes()
	if register.Changes() != before {
		t.Error("something changed")
	}
	arrive(register, shown("one", noon))
	if after := register.Changes(); after == before || register.Changes() != after {
		t.Error("a visitor changes nothing, or more than once")
	}
}

func TestAVariantThatThereIsNoWordForCountsUnderOther(t *testing.T) {
	store := newStore(t)
	for n := range counters.MaxWords {
		if _, err := store.Words.Number(fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
	register := newRegister(t, store, visitors.DefaultLimits())
	arrive(register, shown("one", noon, "place=A"))
	write(t, register, store, noon.Day())
	sums := sumsOf(t, newRegister(t, store, visitors.DefaultLimits()), store)
	if len(sums.Variants) != 1 || sums.Variants[0].Experiment != visitors.Other || sums.Variants[0].Visitors() != 1 {
		t.Errorf("the variants are %+v", sums.Variants)
	}
}

func TestTheErrorOfAHistoryIsReturned(t *testing.T) {
	register := newRegister(t, newStore(t), visitors.DefaultLimits())
	if _, err := register.Sums(brokenHistory{}, 1, 2); !errors.Is(err, errBroken) {
		t.Errorf("sums: %v", err)
	}
	if _, err := register.Daily(brokenHistory{}, 1, 2); !errors.Is(err, errBroken) {
		t.Errorf("by day: %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenHistory struct{}

func (brokenHistory) Read(counters.Query, func(counters.Benefit, []counters.Cell)) error {
	return errBroken
}
