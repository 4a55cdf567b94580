package report

import (
	"context"

	"stats-recorder/insight"
)

// Positions is the table of places.
type Positions struct {
	Window  Window   `json:"window"`
	Model   Model    `json:"model"`
	Ranks   []Place  `json:"ranks"`
	Lengths []Length `json:"lengths"`
	Cells   []Cell   `json:"cells"`
}

// Place is a class of indexes. insight.RankRow says what the numbers are.
type Place struct {
	Range
	Shows      uint64           `json:"shows"`
	Clicks     uint64           `json:"clicks"`
	CTR        insight.Number   `json:"ctr"`
	Visibility insight.Number   `json:"visibility"`
	Interval   insight.Interval `json:"interval"`
}

// Length is a class of page totals. insight.LengthRow says what the numbers are.
type Length struct {
	Range
	Shows  uint64         `json:"shows"`
	Clicks uint64         `json:"clicks"`
	CTR    insight.Number `json:"ctr"`
	Level  insight.Number `json:"level"`
}

// Cell is one exact place. insight.PlaceRow says what the numbers are.
type Cell struct {
	PageTotal    uint16 `json:"page_total"`
	BenefitIndex uint16 `json:"benefit_index"`
	Shows        uint64 `json:"shows"`
	Clicks       uint64 `json:"clicks"`
	// Expected is to be held against Compared. Null if nothing was identified.
	Expected insight.Number `json:"expected"`
	Compared uint64         `json:"compared"`
}

// Positions is the table of the places of a window, of all benefits or of the
// query's one.
func (r *Reporter) Positions(ctx context.Context, q Query) (Positions, error) {
	e, window, err := r.examine(ctx, q)
	if err != nil {
		return Positions{}, err
	}
	rows := insight.PositionRows{}
	if q.Benefit == "" {
		rows = e.positions()
	} else {
		rows = insight.PositionsOf(e.counts, e.analysis.Model, q.Benefit)
	}
	return positionsOf(window, e.analysis.Model, rows), nil
}

func positionsOf(window Window, model *insight.Model, rows insight.PositionRows) Positions {
	p := Positions{
		Window: window, Model: modelOf(model),
		Ranks:   make([]Place, len(rows.Ranks)),
		Lengths: make([]Length, len(rows.Lengths)),
		Cells:   make([]Cell, len(rows.Cells)),
	}
	for i, row := range rows.Ranks {
		p.Ranks[i] = Place{Range{row.From, row.To}, row.Shows, row.Clicks, row.CTR, row.Visibility, row.Interval}
	}
	for i, row := range rows.Lengths {
		p.Lengths[i] = Length{Range{row.From, row.To}, row.Shows, row.Clicks, row.CTR, row.Level}
	}
	for i, row := range rows.Cells {
		expected := insight.Unknown()
		if model.Identified {
			expected = insight.Number(row.Expected)
		}
		p.Cells[i] = Cell{row.PageTotal, row.Index, row.Shows, row.Clicks, expected, row.Compared}
	}
	return p
}
