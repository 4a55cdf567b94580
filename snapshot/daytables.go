package snapshot

import (
	"io"

	"stats-recorder/counters"
	"stats-recorder/snapshot/disk"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/recovery"
)

// dayTables are all counts of one day, by kind.
type dayTables map[counters.Kind]*counters.Table

func newDayTables(kinds counters.Kinds) dayTables {
	tables := dayTables{}
	for _, rule := range kinds {
		tables[rule.Kind] = newTable()
	}
	return tables
}

// addFrozen adds what a frozen base has of the day.
func (d dayTables) addFrozen(frozen *counters.Frozen, day counters.Day) {
	var cells []counters.Cell
	for kind, table := range d {
		for benefit := range counters.Benefit(max(frozen.Benefits, 1)) { // overall kinds have what is of none
			cells = frozen.Cells(counters.Part{Kind: kind, Day: day}, benefit, cells[:0])
			if len(cells) > 0 {
				table.AddCells(benefit, cells)
			}
		}
	}
}

// addClosed adds what the file of the day has of it.
func (d dayTables) addClosed(directory string, kinds counters.Kinds, closed format.ClosedDay) error {
	counts := map[counters.Kind]format.CellVisitor{}
	for kind, table := range d {
		counts[kind] = func(benefit counters.Benefit, cells []counters.Cell) error {
			table.AddCells(benefit, cells)
			return nil
		}
	}
	return recovery.ReadDay(recovery.DayPath(directory, closed), kinds, closed, format.DaySink{Counts: counts})
}

// counters is how many counters there are.
func (d dayTables) counters() (sum int) {
	for _, table := range d {
		sum += table.Len()
	}
	return sum
}

// save writes them as the file of the day, and returns what there is to say of it.
func (d dayTables) save(directory string, kinds counters.Kinds, day format.Day) (format.ClosedDay, error) {
	closed := format.ClosedDay{Day: day.Day, Generation: day.Generation, Owner: day.Identity}
	bytes, err := disk.Save(recovery.DayPath(directory, closed), "segment", func(output io.Writer) error {
		return day.Write(output, kinds, d)
	}, func(temporary string) error {
		return recovery.CheckDayContent(temporary, kinds, closed, func(uint64, []byte) error { return nil })
	})
	closed.Bytes = bytes
	return closed, err
}
