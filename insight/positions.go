package insight

import (
	"cmp"
	"slices"

	"stats-recorder/counters"
)

// PositionRows describe the places of a window: all benefits together, but
// counters.OtherBenefit, without orphan clicks.
type PositionRows struct {
	Ranks   []RankRow
	Lengths []LengthRow
	Cells   []PlaceRow
}

// A RankRow is a class of indexes, From to To, both within.
type RankRow struct {
	Class         int
	From, To      uint16
	Shows, Clicks uint64
	// CTR is Clicks ÷ Shows, with the merit of what stood there in it.
	CTR Number
	// Visibility is the same with it taken out, in units of the first class with
	// clicks. Unknown if nothing was identified; 0 without clicks.
	Visibility Number
	Interval   Interval
}

// A LengthRow is a class of page totals, From to To, both within.
type LengthRow struct {
	Class         int
	From, To      uint16
	Shows, Clicks uint64
	CTR           Number
	// Level is clicks a show of an average benefit at the first place. Unknown if
	// nothing was identified, or the class had to be left out.
	Level Number
}

// A PlaceRow is one exact place with shows.
type PlaceRow struct {
	PageTotal, Index uint16
	Shows, Clicks    uint64
	// Expected are the clicks that the model gives to what was shown there, each
	// with its merit. Benefits that were not compared add shows and clicks but
	// nothing here, so Compared has the clicks to hold it against.
	Expected float64
	Compared uint64
}

// Positions describes the places of the counts that a model is of. Rows are in ascending order of class, or of page total and index. The model may
// be that of another window of the same pages.
func Positions(c *Counts, m *Model) PositionRows { return positions(c.sorted(), m) }

// PositionsOf is Positions of one benefit alone. There are no rows if it does not
// exist, or is counters.OtherBenefit.
func PositionsOf(c *Counts, m *Model, name string) PositionRows {
	return positions([]benefitCounts{{name, c.Places(name)}}, m)
}

func positions(benefits []benefitCounts, m *Model) PositionRows {
	var cells placeGrid[placeCell]
	for _, b := range benefits {
		if b.name != counters.OtherBenefit {
			addPlaces(&cells, b, m)
		}
	}
	var rows PositionRows
	rows.Cells = placeRows(&cells, m)
	rows.Ranks, rows.Lengths = classRows(rows.Cells, m)
	return rows
}

// A placeCell sums up one exact place.
type placeCell struct {
	shows, clicks, compared uint64
	merits                  float64 // Σ shows·merit
}

func addPlaces(cells *placeGrid[placeCell], b benefitCounts, m *Model) {
	merit := m.Merit(b.name)
	for _, place := range b.places {
		if place.Shows == 0 {
			continue
		}
		cell := cells.at(place.Place)
		cell.shows += place.Shows
		cell.clicks += place.Clicks
		if pageTotal, _ := place.Position(); merit.Known() && !m.outside(pageTotal) {
			cell.compared += place.Clicks
			cell.merits += float64(place.Shows) * float64(merit)
		}
	}
}

func placeRows(cells *placeGrid[placeCell], m *Model) []PlaceRow {
	var rows []PlaceRow
	cells.each(func(place uint32, cell *placeCell) {
		if cell.shows == 0 {
			return
		}
		pageTotal, index := PlaceCount{Place: place}.Position()
		rows = append(rows, PlaceRow{
			PageTotal: pageTotal, Index: index, Shows: cell.shows, Clicks: cell.clicks,
			Expected: cell.merits * m.expected(pageTotal, index), Compared: cell.compared,
		})
	})
	slices.SortFunc(rows, func(a, b PlaceRow) int {
		return cmp.Or(cmp.Compare(a.PageTotal, b.PageTotal), cmp.Compare(a.Index, b.Index))
	})
	return rows
}

// classRows sums up places by classes, those with shows.
func classRows(cells []PlaceRow, m *Model) (ranks []RankRow, lengths []LengthRow) {
	var byRank, byLength [Classes]PlaceCount
	for _, cell := range cells {
		for _, sum := range []*PlaceCount{&byRank[Class(cell.Index)], &byLength[Class(cell.PageTotal)]} {
			sum.Shows += cell.Shows
			sum.Clicks += cell.Clicks
		}
	}
	for class := range Classes {
		from, to := ClassRange(class)
		if sum := byRank[class]; sum.Shows > 0 {
			ranks = append(ranks, RankRow{
				Class: class, From: from, To: to, Shows: sum.Shows, Clicks: sum.Clicks,
				CTR:        quotient(float64(sum.Clicks), float64(sum.Shows)),
				Visibility: m.ifIdentified(m.Visibility[class]), Interval: m.VisibilityInterval(class),
			})
		}
		if sum := byLength[class]; sum.Shows > 0 {
			level := m.ifIdentified(m.Level[class])
			if m.outside(from) {
				level = Unknown()
			}
			lengths = append(lengths, LengthRow{
				Class: class, From: from, To: to, Shows: sum.Shows, Clicks: sum.Clicks,
				CTR: quotient(float64(sum.Clicks), float64(sum.Shows)), Level: level,
			})
		}
	}
	return ranks, lengths
}
