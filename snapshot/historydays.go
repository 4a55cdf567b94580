package snapshot

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"slices"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// openCounts are the cells of one version in the store, by day and benefit.
type openCounts map[counters.Day]map[counters.Benefit][]counters.Cell

// ReadDays visits the positions of one version, day by day from a day on, up to but
// without to: each benefit of a day with its cells sorted by key, which are valid
// during the call. One with very many comes in several parts of ascending keys. Unlike
// Read it adds nothing up and keeps nothing, so that years cost no more memory than a
// day. It calls begin before the first visit, and again when all is visited anew because
// a day was closed meanwhile. The error is about reading the closed days.
func (h *History) ReadDays(version uint16, from, to counters.Day, begin func(), visit func(counters.Day, counters.Benefit, []counters.Cell)) error {
	for {
		m := h.current()
		var open openCounts
		if !h.whileCurrent(m, func() { open = h.openBetween(version, from, to) }) {
			continue
		}
		begin()
		err := h.visitDays(m, open, from, to, version, visit)
		// A file that is gone was that of an earlier generation, if there is a new list.
		if err == nil || !errors.Is(err, os.ErrNotExist) || h.current() == m {
			return err
		}
	}
}

// visitDays visits what closed days and the store have together.
func (h *History) visitDays(m *format.Manifest, open openCounts, from, to counters.Day, version uint16, visit func(counters.Day, counters.Benefit, []counters.Cell)) error {
	days := slices.Collect(maps.Keys(open))
	for _, closed := range m.Between(from, to) {
		days = append(days, closed.Day)
	}
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		var ofVersion, merged []counters.Cell
		late := open[day]
		if closed, found := m.Find(day); found {
			err := recovery.ReadDay(recovery.DayPath(h.directory, closed), h.store.Kinds(), closed, format.DaySink{
				Counts: map[counters.Kind]format.CellVisitor{counters.Positions: func(benefit counters.Benefit, cells []counters.Cell) error {
					ofVersion = appendVersion(ofVersion[:0], cells, version)
					if more := late[benefit]; len(more) > 0 {
						merged = mergeCells(merged[:0], ofVersion, more)
						delete(late, benefit)
						visit(day, benefit, merged)
					} else if len(ofVersion) > 0 {
						visit(day, benefit, ofVersion)
					}
					return nil
				}},
			})
			if err != nil {
				return err
			}
		}
		for benefit, cells := range late {
			visit(day, benefit, cells)
		}
	}
	return nil
}

func appendVersion(dst, cells []counters.Cell, version uint16) []counters.Cell {
	for _, cell := range cells {
		if cell.Key.Version() == version {
			dst = append(dst, cell)
		}
	}
	return dst
}

// mergeCells appends the sum of two sorted lists.
func mergeCells(dst, a, b []counters.Cell) []counters.Cell {
	for len(a) > 0 && len(b) > 0 {
		switch cmp.Compare(a[0].Key, b[0].Key) {
		case -1:
			dst, a = append(dst, a[0]), a[1:]
		case 1:
			dst, b = append(dst, b[0]), b[1:]
		default:
			dst = append(dst, counters.Cell{Key: a[0].Key, Count: a[0].Count + b[0].Count})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

// openBetween copies what the store has of days. A query counts under the keys that it
// is told; here the number of the step stands where the version was, of which there is one.
func (h *History) openBetween(version uint16, from, to counters.Day) openCounts {
	days := slices.DeleteFunc(h.store.OpenDays(), func(day counters.Day) bool { return day < from || day >= to })
	if len(days) == 0 {
		return nil
	}
	bounds := []counters.Hour{}
	for _, day := range days {
		bounds = append(bounds, day.FirstHour(), (day + 1).FirstHour())
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	query := counters.PositionsOf(version, bounds)
	query.Project = func(step uint32, key counters.Key) (counters.Key, bool) {
		at, err := counters.KeyAt(key.Event(), uint16(step), key.Place())
		return at, err == nil && key.Version() == version
	}
	open := openCounts{}
	h.store.Read(query, nil, func(benefit counters.Benefit, cells []counters.Cell) {
		for _, cell := range cells {
			day := bounds[cell.Key.Version()].Day()
			if open[day] == nil {
				open[day] = map[counters.Benefit][]counters.Cell{}
			}
			key, _ := counters.KeyAt(cell.Key.Event(), version, cell.Key.Place()) // as it was before
			open[day][benefit] = append(open[day][benefit], counters.Cell{Key: key, Count: cell.Count})
		}
	})
	return open
}
