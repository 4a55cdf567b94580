package harness

import (
	"errors"
	"strings"
	"testing"
)

// account returns a ledger with a few counts.
func account() *Ledger {
	counted := NewLedger()
	counted.Add(Counter{"bretagne-permis", "show", 30, 1}, 7)
	counted.Add(Counter{"bretagne-permis", "show", 30, 2}, 1)
	counted.Add(Counter{"corse-permis", "form", 4, 4}, 2)
	return counted
}

func TestLedgerAcceptsTheSameCountsInAnotherOrder(t *testing.T) {
	other := NewLedger()
	other.Add(Counter{"corse-permis", "form", 4, 4}, 2)
	other.Add(Counter{"bretagne-permis", "show", 30, 2}, 1)
	other.Add(Counter{"bretagne-permis", "show", 30, 1}, 7)
	if err := account().Compare(other); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerRefusesEveryDifference(t *testing.T) {
	for name, change := range map[string]func(*Ledger){
		"one too many":        func(l *Ledger) { l.Add(Counter{"bretagne-permis", "show", 30, 1}, 1) },
		"one too few":         func(l *Ledger) { l.Add(Counter{"bretagne-permis", "show", 30, 1}, -1) },
		"all lost":            func(l *Ledger) { clear(l.counts) },
		"one lost":            func(l *Ledger) { delete(l.counts, entry{benefit: 1, event: 1, total: 4, index: 4}) },
		"another event":       func(l *Ledger) { l.Add(Counter{"corse-permis", "show", 4, 4}, 1) },
		"another position":    func(l *Ledger) { l.Add(Counter{"corse-permis", "form", 4, 3}, 1) },
		"another page length": func(l *Ledger) { l.Add(Counter{"corse-permis", "form", 5, 4}, 1) },
		"another benefit":     func(l *Ledger) { l.Add(Counter{"lyon-permis", "form", 4, 4}, 1) },
		"moved elsewhere": func(l *Ledger) {
			l.Add(Counter{"corse-permis", "form", 4, 4}, -1)
			l.Add(Counter{"corse-permis", "form", 4, 3}, 1)
		},
	} {
		actual := account()
		change(actual)
		if err := account().Compare(actual); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLedgerNamesTheDifference(t *testing.T) {
	actual := account()
	actual.Add(Counter{"corse-permis", "form", 4, 4}, 5)
	err := account().Compare(actual)
	if err == nil || !strings.Contains(err.Error(), "corse-permis form 4/4: have 7, want 2") {
		t.Fatal(err)
	}
}

func TestLedgerMerges(t *testing.T) {
	sum, other := account(), NewLedger()
	other.Add(Counter{"corse-permis", "form", 4, 4}, 3)
	other.Add(Counter{"lyon-permis", "link", 9, 1}, 1)
	sum.Merge(other)
	want := account()
	want.Add(Counter{"lyon-permis", "link", 9, 1}, 1)
	want.Add(Counter{"corse-permis", "form", 4, 4}, 3)
	if err := want.Compare(sum); err != nil {
		t.Fatal(err)
	}
}

func TestStatisticsAreRead(t *testing.T) {
	counted, err := decodeStatistics(strings.NewReader(`[
		{"benefit":"bretagne-permis","events_count":8,"events":{"show":{"30":{"1":7,"2":1}}}},
		{"benefit":"corse-permis","events_count":2,"events":{"form":{"4":{"4":2}}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if err := account().Compare(counted); err != nil {
		t.Fatal(err)
	}
}

func TestContradictoryStatisticsAreRefused(t *testing.T) {
	for name, answer := range map[string]string{
		"sum":          `[{"benefit":"a","events_count":3,"events":{"show":{"1":{"1":2}}}}]`,
		"twice":        `[{"benefit":"a","events_count":1,"events":{"show":{"1":{"1":1}}}},{"benefit":"a","events_count":1,"events":{"show":{"1":{"1":1}}}}]`,
		"not a number": `[{"benefit":"a","events_count":1,"events":{"show":{"x":{"1":1}}}}]`,
		"cut off":      `[{"benefit":"a","events_count":1,"events":{"show":{"1":{"1":1}}}}`,
		"an object":    `{"message":"no"}`,
		"empty":        ``,
	} {
		if _, err := decodeStatistics(strings.NewReader(answer)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
