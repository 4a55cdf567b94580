package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// account returns a ledger with a few counts.
func account() *ledger {
	counted := newLedger()
	counted.add("bretagne-permis", "show", 30, 1, 7)
	counted.add("bretagne-permis", "show", 30, 2, 1)
	counted.add("corse-permis", "form", 4, 4, 2)
	return counted
}

func TestLedgerAcceptsTheSameCountsInAnotherOrder(t *testing.T) {
	other := newLedger()
	other.add("corse-permis", "form", 4, 4, 2)
	other.add("bretagne-permis", "show", 30, 2, 1)
	other.add("bretagne-permis", "show", 30, 1, 7)
	if err := account().compare(other); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerRefusesEveryDifference(t *testing.T) {
	for name, change := range map[string]func(*ledger){
		"one too many":        func(l *ledger) { l.add("bretagne-permis", "show", 30, 1, 1) },
		"one too few":         func(l *ledger) { l.add("bretagne-permis", "show", 30, 1, -1) },
		"all lost":            func(l *ledger) { clear(l.counts) },
		"one lost":            func(l *ledger) { delete(l.counts, counter{benefit: 1, event: 1, total: 4, index: 4}) },
		"another event":       func(l *ledger) { l.add("corse-permis", "show", 4, 4, 1) },
		"another position":    func(l *ledger) { l.add("corse-permis", "form", 4, 3, 1) },
		"another page length": func(l *ledger) { l.add("corse-permis", "form", 5, 4, 1) },
		"another benefit":     func(l *ledger) { l.add("lyon-permis", "form", 4, 4, 1) },
		"moved elsewhere": func(l *ledger) {
			l.add("corse-permis", "form", 4, 4, -1)
			l.add("corse-permis", "form", 4, 3, 1)
		},
	} {
		actual := account()
		change(actual)
		if err := account().compare(actual); !errors.Is(err, errMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLedgerNamesTheDifference(t *testing.T) {
	actual := account()
	actual.add("corse-permis", "form", 4, 4, 5)
	err := account().compare(actual)
	if err == nil || !strings.Contains(err.Error(), "corse-permis form 4/4: have 7, want 2") {
		t.Fatal(err)
	}
}

func TestLedgerMerges(t *testing.T) {
	sum, other := account(), newLedger()
	other.add("corse-permis", "form", 4, 4, 3)
	other.add("lyon-permis", "link", 9, 1, 1)
	sum.merge(other)
	want := account()
	want.add("lyon-permis", "link", 9, 1, 1)
	want.add("corse-permis", "form", 4, 4, 3)
	if err := want.compare(sum); err != nil {
		t.Fatal(err)
	}
}

func TestAcknowledgedCountsWalksLikeSteppingThem(t *testing.T) {
	shape := testShape()
	shape.counters = 200
	traffic := mustBuild(t, shape)
	walks := newWalks(traffic, 3)
	want := make([]int64, traffic.count())
	for position, steps := range []int{0, 5, 3*traffic.count() + 2} {
		for range steps {
			want[walks[position].number(0)]++
			walks[position].sent++
		}
	}
	if have := acknowledged(traffic, walks); !slices.Equal(have, want) {
		t.Fatalf("have %v, want %v", have, want)
	}
}

func TestStatisticsAreRead(t *testing.T) {
	counted, err := decodeStatistics(strings.NewReader(`[
		{"benefit":"bretagne-permis","events_count":8,"events":{"show":{"30":{"1":7,"2":1}}}},
		{"benefit":"corse-permis","events_count":2,"events":{"form":{"4":{"4":2}}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if err := account().compare(counted); err != nil {
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
