package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"stats-recorder/counters"
)

// A Record is one event in words.
type Record struct {
	Benefit, Event            string
	Version, PageTotal, Index uint16
	Hour                      counters.Hour
}

// A Model counts records in the plainest way there is.
type Model map[Record]uint64

// ModelOf is the model of some batches.
func ModelOf(batches ...[]Record) Model {
	model := Model{}
	for _, batch := range batches {
		model.Add(batch)
	}
	return model
}

// Add counts a batch.
func (m Model) Add(batch []Record) {
	for len(batch) > 0 {
		n := 1
		for n < len(batch) && batch[n] == batch[0] {
			n++
		}
		m[batch[0]] += uint64(n)
		batch = batch[n:]
	}
}

// Events is how many records the model has counted.
func (m Model) Events() uint64 {
	sum := uint64(0)
	for _, count := range m {
		sum += count
	}
	return sum
}

// A Question is one number that a store can be asked for: a counter of positions, or
// with Totals one of the events of a type since an hour.
type Question struct {
	Totals                    bool
	Since                     counters.Hour
	Benefit, Event            string
	Version, PageTotal, Index uint16
}

// Answers are the numbers that are not zero.
type Answers map[Question]uint64

// versions are those of the model and one that it may not have.
func (m Model) versions() []uint16 {
	seen := map[uint16]bool{2: true}
	for record := range m {
		seen[record.Version] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// sinces are all time, and about each hour of the model.
func (m Model) sinces() []counters.Hour {
	seen := map[counters.Hour]bool{0: true}
	for record := range m {
		seen[record.Hour], seen[record.Hour+1] = true, true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Answers are what a store with the model's records must answer.
func (m Model) Answers() Answers {
	answers := Answers{}
	sinces := m.sinces()
	for r, count := range m {
		answers[Question{Benefit: r.Benefit, Event: r.Event, Version: r.Version, PageTotal: r.PageTotal, Index: r.Index}] += count
		for _, since := range sinces {
			if since <= r.Hour {
				answers[Question{Totals: true, Since: since, Benefit: r.Benefit, Event: r.Event}] += count
			}
		}
	}
	return answers
}

// Totals answer for the events since an hour.
type Totals func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal))

// OpenDays are the totals of a store's open days, which are all its days unless
// some are closed.
func OpenDays(store *counters.Store) Totals {
	return func(since counters.Hour, visit func(counters.Benefit, []counters.EventTotal)) {
		store.Read(counters.EventTotals([]counters.Hour{since, counters.EndOfTime}), nil, counters.VisitTotals(visit))
	}
}

// Ask asks a store everything that the model has an answer to.
func (m Model) Ask(store *counters.Store, totals Totals) Answers {
	answers := Answers{}
	for _, version := range m.versions() {
		store.Read(counters.PositionsOf(version, nil), nil, func(benefit counters.Benefit, cells []counters.Cell) {
			for _, cell := range cells {
				question := question(store, benefit, cell.Key.Event())
				question.Version = cell.Key.Version()
				question.PageTotal, question.Index = cell.Key.Position()
				answers[question] += cell.Count
			}
		})
	}
	for _, since := range m.sinces() {
		totals(since, func(benefit counters.Benefit, totals []counters.EventTotal) {
			for _, total := range totals {
				question := question(store, benefit, total.Event)
				question.Totals, question.Since = true, since
				answers[question] += total.Count
			}
		})
	}
	return answers
}

func question(store *counters.Store, benefit counters.Benefit, event counters.EventType) Question {
	return Question{Benefit: store.Benefits.Names()[benefit], Event: store.Events.Names()[event-1]}
}

// Check fails the test where a store answers otherwise than the model.
func (m Model) Check(t testing.TB, store *counters.Store) {
	t.Helper()
	m.CheckTotals(t, store, OpenDays(store))
}

// CheckTotals is Check for a store some of whose days are closed.
func (m Model) CheckTotals(t testing.TB, store *counters.Store, totals Totals) {
	t.Helper()
	if difference := m.Difference(store, totals); difference != "" {
		t.Error(difference)
	}
}

// Difference says where a store answers otherwise than the model, if it does.
func (m Model) Difference(store *counters.Store, totals Totals) string {
	want, have := m.Answers(), m.Ask(store, totals)
	var wrong []string
	for question, count := range want {
		if have[question] != count {
			wrong = append(wrong, fmt.Sprintf("have %d, want %d: %+v", have[question], count, question))
		}
	}
	for question, count := range have {
		if want[question] == 0 {
			wrong = append(wrong, fmt.Sprintf("have %d, want none: %+v", count, question))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	slices.Sort(wrong)
	return fmt.Sprintf("%d of %d answers are wrong, among them\n%s", len(wrong), len(want),
		strings.Join(wrong[:min(len(wrong), 10)], "\n"))
}

// Batch makes a batch of records for a store, which learns their names. The
// first record's hour is the cheap one.
func Batch(t testing.TB, store *counters.Store, records []Record) *counters.Batch {
	t.Helper()
	batch := store.NewBatch()
	if len(records) > 0 {
		batch.Reset(records[0].Hour)
	}
	for _, r := range records {
		benefit, key := Number(t, store, r)
		batch.Add(benefit, key, r.Hour)
	}
	return batch
}

// Number is the benefit's number and the key of a record in a store.
func Number(t testing.TB, store *counters.Store, r Record) (counters.Benefit, counters.Key) {
	t.Helper()
	benefit, err := store.Benefits.Number([]byte(r.Benefit))
	if err != nil {
		t.Fatalf("number of benefit %q: %v", r.Benefit, err)
	}
	event, err := store.Events.Number([]byte(r.Event))
	if err != nil {
		t.Fatalf("number of event type %q: %v", r.Event, err)
	}
	key, err := counters.NewKey(counters.EventType(event+1), r.Version, r.PageTotal, r.Index)
	if err != nil {
		t.Fatalf("key of %+v: %v", r, err)
	}
	return counters.Benefit(benefit), key
}

// Commit makes everything durable that a store has gathered.
func Commit(store *counters.Store) {
	if delta := store.Seal(); delta != nil {
		delta.Commit()
	}
}
