package endpoint_test

import (
	"slices"
	"testing"

	"stats-recorder/counters"
)

// source is a store in memory, without closed days.
type source struct{ *counters.Store }

func (s source) Read(query counters.Query, visit func(counters.Benefit, []counters.Cell)) error {
	s.Store.Read(query, nil, visit)
	return nil
}

func (s source) ReadDays(version uint16, from, to counters.Day, begin func(), visit func(counters.Day, counters.Benefit, []counters.Cell)) error {
	begin()
	for _, day := range s.OpenDays() {
		if day >= from && day < to {
			s.Store.Read(counters.PositionsOf(version, []counters.Hour{day.FirstHour(), (day + 1).FirstHour()}), nil,
				func(benefit counters.Benefit, cells []counters.Cell) { visit(day, benefit, cells) })
		}
	}
	return nil
}

func (s source) KeptFrom() (counters.Day, bool) { return 0, false }

func (s source) Span() (first, last counters.Day, any bool) {
	days := s.OpenDays()
	if len(days) == 0 {
		return 0, 0, false
	}
	return slices.Min(days), slices.Max(days), true
}

func (s source) BenefitNames() []string { return s.Benefits.Names() }
func (s source) EventNames() []string   { return s.Events.Names() }

// record adds records of one place, which readers see after commit.
func (s source) record(t testing.TB, benefit, event string, total, index uint16, count uint64) {
	t.Helper()
	b, err := s.Benefits.Number([]byte(benefit))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Events.Number([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	key, err := counters.NewKey(counters.EventType(e+1), 2, total, index)
	if err != nil {
		t.Fatal(err)
	}
	batch := s.NewBatch()
	for range count {
		batch.Add(counters.Benefit(b), key, 20_000*24)
	}
	if _, err := s.Add(batch); err != nil {
		t.Fatal(err)
	}
}

func (s source) commit() { s.Seal().Commit() }
