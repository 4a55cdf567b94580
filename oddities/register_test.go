package oddities_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/oddities"
)

const today = counters.Day(20_000)

// inStore is a history without closed days.
type inStore struct{ *counters.Store }

func (s inStore) Read(q counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	s.Store.Read(q, nil, visit)
	return nil
}

func newStore(t *testing.T) *counters.Store {
	t.Helper()
	store := counters.NewStore(counters.WhenDurable)
	_, _ = store.Events.Number([]byte("show"))
	_, _ = store.Benefits.Number([]byte("rsa"))
	return store
}

// write restores in the store what a register has of a day, as a snapshot does and the
// next start.
func write(t *testing.T, register *oddities.Register, store *counters.Store, day counters.Day) {
	t.Helper()
	table := counters.NewTable(1)
	register.Counts(day, func(counters.Kind) *counters.Table { return table })
	if err := store.Restore(counters.Part{Kind: counters.Oddities, Day: day}, 0, table.Cells(0, nil)); err != nil {
		t.Fatal(err)
	}
}

func counted(t *testing.T, register *oddities.Register, store *counters.Store) []oddities.Count {
	t.Helper()
	counts, err := register.Counted(inStore{store}, today, today+1)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func TestOdditiesAreWhatWasWrittenAndWhatCame(t *testing.T) {
	t.Parallel()
	unknown := oddities.Oddity{Field: "event_type", Reason: "unknown", Name: "showDetial"}
	empty := oddities.Oddity{Reason: oddities.ReasonEmpty}
	store := newStore(t)
	first := oddities.NewRegister(store.Words)
	first.Add(today, unknown, 3)
	first.Add(today-1, unknown, 100)
	write(t, first, store, today)
	second := oddities.NewRegister(store.Words)
	second.Add(today, unknown, 2)
	second.Add(today, empty, 1)
	want := []oddities.Count{{Oddity: empty, Times: 1}, {Oddity: unknown, Times: 5}}
	if got := counted(t, second, store); !slices.Equal(got, want) {
		t.Errorf("counted are %+v, want %+v", got, want)
	}
	second.Close(today)
	second.Add(today, empty, 4)
	want[0].Times = 5
	if got := counted(t, second, store); !slices.Equal(got, want) {
		t.Errorf("while the day is being closed there are %+v, want %+v", got, want)
	}
	second.Forget([]counters.Day{today})
	if got := counted(t, second, store); len(got) != 2 || got[0].Times != 4 || got[1].Times != 3 {
		t.Errorf("after what was closed is forgotten there are %+v", got)
	}
}

func TestADayTellsOnlySoManyNamesApart(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	register := oddities.NewRegister(store.Words)
	for i := range 3 * oddities.MaxNames {
		register.Add(today, oddities.Oddity{Field: "event_type", Reason: "unknown", Name: fmt.Sprint(i)}, 1)
	}
	counts := counted(t, register, store)
	if len(counts) != oddities.MaxNames+1 || counts[0].Name != "" || counts[0].Times != 2*oddities.MaxNames {
		t.Errorf("%d are told apart, and %+v are not", len(counts), counts[0])
	}
}

func TestTheErrorOfAHistoryIsReturned(t *testing.T) {
	t.Parallel()
	if _, err := oddities.NewRegister(newStore(t).Words).Counted(broken{}, 1, 2); !errors.Is(err, errBroken) {
		t.Errorf("the error is %v", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read(counters.Query, func(counters.Benefit, []counters.Cell)) error { return errBroken }
