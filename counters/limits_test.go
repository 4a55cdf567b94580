package counters_test

import (
	"fmt"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
)

// placed is where a store lets a record count.
func placed(t *testing.T, store *counters.Store, record storetest.Record) string {
	t.Helper()
	event, err := store.Events.Number([]byte(record.Event))
	if err != nil {
		t.Fatal(err)
	}
	key := mustKey(t, counters.EventType(event+1), record.Version, record.PageTotal, record.Index)
	benefit, _, err := store.Place([]byte(record.Benefit), key, record.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return store.Benefits.Names()[benefit]
}

func TestLimitsHoldForWhatThereIsInEveryLayer(t *testing.T) {
	t.Parallel()
	noon := storetest.Noon()
	known, unknown := storetest.Shown("rsa", 3, 1, noon), storetest.Shown("apl", 3, 2, noon)
	count := func(t *testing.T, store *counters.Store) {
		_, _ = store.Add(storetest.Batch(t, store, []storetest.Record{known}))
		storetest.Commit(store)
	}
	for _, test := range []struct {
		name     string
		prepare  func(*testing.T, *counters.Store)
		counters int // may there be
		// Where the two records count.
		known, unknown string
	}{
		{"what was recovered counts against a limit that is set later", func(t *testing.T, store *counters.Store) {
			benefit, key := storetest.Number(t, store, known)
			if err := store.Replay(known.Hour, benefit, []counters.Cell{{Key: key, Count: 1}}); err != nil {
				t.Fatal(err)
			}
		}, 1, "rsa", counters.OtherBenefit},
		{"what was folded counts on where it is", count, 1, "rsa", counters.OtherBenefit},
		{"what is in the overlay counts on where it is", func(t *testing.T, store *counters.Store) {
			store.Freeze()
			count(t, store)
		}, 1, "rsa", counters.OtherBenefit},
		{"there is room below the limit", count, 2, "rsa", "apl"},
		{"the past takes room too", func(t *testing.T, store *counters.Store) {
			count(t, store)
			frozen := store.Freeze()
			frozen.Closing(frozen.Days())
			frozen.CloseDays()
			frozen.Thaw()
		}, 1, counters.OtherBenefit, counters.OtherBenefit},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := counters.NewStore(counters.WhenDurable)
			test.prepare(t, store)
			store.SetLimits(counters.Limits{Benefits: 100, Counters: test.counters})
			if got := placed(t, store, known); got != test.known {
				t.Errorf("a record like one before counts for %q, want %q", got, test.known)
			}
			if got := placed(t, store, unknown); got != test.unknown {
				t.Errorf("a new record counts for %q, want %q", got, test.unknown)
			}
		})
	}
}

func TestACounterThatWasInTwoLayersTakesRoomOnceWhenTheyAreOne(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	store.SetLimits(counters.Limits{Benefits: 100, Counters: 2})
	noon := storetest.Noon()
	known, unknown := storetest.Shown("rsa", 3, 1, noon), storetest.Shown("apl", 3, 2, noon)
	add := func() {
		_, _ = store.Add(storetest.Batch(t, store, []storetest.Record{known}))
		storetest.Commit(store)
	}
	add()
	frozen := store.Freeze()
	add()
	if got := placed(t, store, unknown); got != counters.OtherBenefit {
		t.Errorf("with a counter in two layers, a new record counts for %q, want %q", got, counters.OtherBenefit)
	}
	frozen.Thaw()
	if got := placed(t, store, unknown); got != "apl" || store.Counters() != 1 {
		t.Errorf("with one counter of two, a new record counts for %q, want %q; %d counters", got, "apl", store.Counters())
	}
}

func TestTheLastTicketIsThatOfTheLastBatch(t *testing.T) {
	t.Parallel()
	store := counters.NewStore(counters.WhenDurable)
	page := storetest.Page(3, storetest.Noon())
	if last := store.Shut(); last != nil {
		t.Errorf("a store without a batch has the last ticket %p", last)
	}
	store = counters.NewStore(counters.WhenDurable)
	first, _ := store.Add(storetest.Batch(t, store, page))
	storetest.Commit(store)
	second, _ := store.Add(storetest.Batch(t, store, page))
	if last := store.Shut(); last != second || last == first {
		t.Errorf("before it is sealed, the last ticket is %p, want %p", last, second)
	}
	delta := store.Seal()
	if last := store.Shut(); last != second || last.Settled() {
		t.Errorf("while it is sealed, the last ticket is %p, want %p", last, second)
	}
	delta.Commit()
	if last := store.Shut(); last != second || !last.Settled() {
		t.Errorf("once it is committed, the last ticket is %p, want %p", last, second)
	}
}

// TestOthersAreFewWhateverStrangersVary fills a store up to its limit and then sends
// records of thousands of versions.
func TestOthersAreFewWhateverStrangersVary(t *testing.T) {
	t.Parallel()
	s := counters.NewStore(counters.WhenDurable)
	for range 3 {
		if _, err := s.Events.Number([]byte(fmt.Sprint("event", s.Events.Len()))); err != nil {
			t.Fatal(err)
		}
	}
	s.SetLimits(counters.Limits{Benefits: 100, Counters: 1000})
	batch, sent := s.NewBatch(), uint64(0)
	for version := range 5000 {
		batch.Reset(480_000)
		for event := counters.EventType(1); event <= 3; event++ {
			key, err := counters.NewKey(event, uint16(version), 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			benefit, key, err := s.Place([]byte("RSA"), key, 480_000)
			if err != nil {
				t.Fatal(err)
			}
			batch.Add(benefit, key, 480_000)
			sent++
		}
		if _, err := s.Add(batch); err != nil {
			t.Fatal(err)
		}
		if version%64 == 0 {
			if delta := s.Seal(); delta != nil {
				delta.Commit()
			}
		}
	}
	if delta := s.Seal(); delta != nil {
		delta.Commit()
	}
	// Records on their way when the limit is reached may exceed it a little.
	if got, most := s.Counters(), 1000+64*3+3*(8+1); got > most {
		t.Errorf("there are %d counters, want at most %d", got, most)
	}
	total := uint64(0)
	s.Read(counters.EventTotals(nil), nil, func(_ counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			total += cell.Count
		}
	})
	if total != sent {
		t.Errorf("%d records count, %d were sent", total, sent)
	}
}
