package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
)

// A Scenario is a history of batches whose outcome a store must have in memory
// and after any way through the disk. Each batch is one commit.
type Scenario struct {
	Name string
	// Earlier is what the store has counted before: it is put into the base.
	Earlier Model
	Batches [][]Record
}

// Model is what the scenario must come to.
func (s Scenario) Model() Model {
	model := ModelOf(s.Batches...)
	for record, count := range s.Earlier {
		model[record] += count
	}
	return model
}

// Begin puts what was counted earlier into the base of a store.
func (s Scenario) Begin(t testing.TB, store *counters.Store) {
	t.Helper()
	for record, count := range s.Earlier {
		benefit, key := Number(t, store, record)
		if err := store.Replay(record.Hour, benefit, []counters.Cell{{Key: key, Count: count}}); err != nil {
			t.Fatal(err)
		}
	}
}

// Noon is the hour in which scenarios happen, unless they say otherwise.
func Noon() counters.Hour {
	return counters.HourOf(time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC))
}

// Shown is a benefit shown in an hour, the common record.
func Shown(benefit string, pageTotal, index uint16, hour counters.Hour) Record {
	return Record{Benefit: benefit, Event: "show", Version: 2, PageTotal: pageTotal, Index: index, Hour: hour}
}

// Page is the batch of one page of results, all of it shown.
func Page(total int, hour counters.Hour) []Record {
	page := make([]Record, total)
	for i := range page {
		page[i] = Shown(fmt.Sprintf("benefit-%d", i), uint16(total), uint16(i+1), hour)
	}
	return page
}

// Scenarios are the histories that every store must survive.
func Scenarios() []Scenario {
	noon := Noon()
	one := Shown("rsa", 3, 1, noon)
	return []Scenario{
		{Name: "nothing at all"},
		{Name: "one record", Batches: [][]Record{{one}}},
		{Name: "the same record in one batch and in the next", Batches: [][]Record{{one, one}, {one}}},
		{Name: "a page of sixty", Batches: [][]Record{Page(60, noon), Page(60, noon)}},
		{Name: "every position of every page up to thirty", Batches: positions(30)},
		{Name: "every position of every page up to twenty at once", Batches: slices.Repeat([][]Record{slices.Concat(positions(20)...)}, 3)},
		{Name: "the largest position, version and event type", Batches: extremes()},
		{Name: "a thousand benefits, several in each shard", Batches: manyBenefits(1000)},
		{Name: "names of every length and alphabet", Batches: oddNames()},
		{Name: "records of other hours and days in one batch", Batches: lateRecords()},
		{Name: "the last second of a year, and 1970", Batches: [][]Record{edgesOfTime()}},
		{Name: "counts that outgrow the low bits of a cell", Earlier: Model{one: 1<<22 - 2}, Batches: [][]Record{{one}, {one}, {one}}},
		{Name: "counts far beyond the low bits of a cell", Earlier: Model{one: 1 << 50}, Batches: [][]Record{Page(3, noon), {one}}},
		{Name: "versions side by side", Batches: [][]Record{versions()}},
	}
}

func positions(longest uint16) [][]Record {
	var batches [][]Record
	for total := uint16(1); total <= longest; total++ {
		var batch []Record
		for index := uint16(1); index <= total; index++ {
			batch = append(batch, slices.Repeat([]Record{Shown("aah", total, index, Noon())}, int(index))...)
		}
		batches = append(batches, batch)
	}
	return batches
}

func extremes() [][]Record {
	largest := Record{Benefit: "largest", Event: "event-62", Version: 65535, PageTotal: 1000, Index: 1000, Hour: Noon()}
	var events []Record
	for i := range counters.MaxEventTypes {
		name := "show"
		if i > 0 {
			name = fmt.Sprintf("event-%d", i)
		}
		events = append(events, Record{Benefit: "largest", Event: name, PageTotal: 1, Index: 1, Hour: Noon()})
	}
	beyond := Record{Benefit: "imported", Event: "show", Version: 0, PageTotal: counters.MaxPosition, Index: counters.MaxPosition, Hour: Noon()}
	above := Record{Benefit: "imported", Event: "show", Version: 0, PageTotal: 3, Index: 7, Hour: Noon()}
	return [][]Record{events, {largest, largest}, {beyond, above}}
}

func manyBenefits(benefits int) [][]Record {
	var batches [][]Record
	for i := range benefits {
		batch := i / 100
		if batch == len(batches) {
			batches = append(batches, nil)
		}
		batches[batch] = append(batches[batch], Shown(fmt.Sprintf("benefit-%d", i), uint16(i%60+1), 1, Noon()))
	}
	return batches
}

func oddNames() [][]Record {
	names := []string{"x", strings.Repeat("y", 127), strings.Repeat("z", 128), strings.Repeat("w", 256),
		"évaluation-logement", "支援", "a b\tc", "\x00", "\"quoted\\\"", "�"}
	var batch []Record
	for _, name := range names {
		batch = append(batch, Shown(name, 2, 1, Noon()), Record{Benefit: "x", Event: name, Version: 2, PageTotal: 1, Index: 1, Hour: Noon()})
	}
	return [][]Record{batch, batch[5:]}
}

func lateRecords() [][]Record {
	noon := Noon()
	var batch []Record
	for _, hour := range []counters.Hour{noon, noon - 1, noon - 24, noon - 13, noon - 12, noon + 11, noon + 12, noon - 48} {
		batch = append(batch, Shown("rsa", 3, 1, hour), Shown("rsa", 3, 2, hour), Shown("apl", 3, 2, hour))
	}
	return [][]Record{batch, batch[3:], batch[:7]}
}

func edgesOfTime() []Record {
	newYear := counters.HourOf(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	var batch []Record
	for _, hour := range []counters.Hour{newYear - 1, newYear, 0, 1, 23, 24} {
		batch = append(batch, Shown("rsa", 3, 1, hour))
	}
	return batch
}

func versions() []Record {
	var batch []Record
	for _, version := range []uint16{0, 1, 2, 3, 255, 256, 65535} {
		for range version%5 + 1 {
			batch = append(batch, Record{Benefit: "rsa", Event: "link", Version: version, PageTotal: 4, Index: 2, Hour: Noon()})
		}
	}
	return batch
}
