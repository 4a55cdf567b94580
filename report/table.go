package report

import (
	"maps"
	"slices"
	"time"

	"stats-recorder/exchange/exporter"
	"stats-recorder/insight"
)

// value is a number as tables have it.
func value(n insight.Number) any {
	if !n.Known() {
		return nil
	}
	return float64(n)
}

func text(t Text) any {
	if t == "" {
		return nil
	}
	return string(t)
}

func rank(r int) any {
	if r == 0 {
		return nil
	}
	return uint64(r)
}

// columns are columns of one type.
func columns(of exporter.Type, names ...string) []exporter.Column {
	made := make([]exporter.Column, len(names))
	for i, name := range names {
		made[i] = exporter.Column{Name: name, Type: of}
	}
	return made
}

var identityColumns = columns(exporter.Text, "id", "label", "group", "type")

func (i Identity) values() []any { return []any{i.ID, text(i.Label), text(i.Group), text(i.Type)} }

// Table is the rows of benefits for other programs. Intervals are two columns.
func (b Benefits) Table() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(identityColumns,
		columns(exporter.Count, "shows", "clicks"),
		columns(exporter.Number, "ctr", "ctr_low", "ctr_high", "expected", "merit", "merit_low", "merit_high", "score"),
		columns(exporter.Count, "rank", "rank_first", "rank_last"), columns(exporter.Text, "verdict"),
		columns(exporter.Number, "exposure"), columns(exporter.Truth, "under_exposed"),
		columns(exporter.Number, "coec"), columns(exporter.Count, "orphan_clicks"))}
	for _, row := range b.Benefits {
		table.Rows = append(table.Rows, append(row.values(), row.Shows, row.Clicks,
			value(row.CTR), value(row.CTRInterval.Lower), value(row.CTRInterval.Upper), row.Expected,
			value(row.Merit), value(row.MeritInterval.Lower), value(row.MeritInterval.Upper), value(row.Score),
			rank(int(row.Rank)), rank(row.RankInterval.First), rank(row.RankInterval.Last), text(Text(row.Verdict)),
			value(row.Exposure), row.UnderExposed, value(row.COEC), row.Orphans))
	}
	return table
}

// A PositionTable is one of the tables of places.
type PositionTable string

// The tables of places.
const (
	TableCells   PositionTable = "cells"
	TableRanks   PositionTable = "ranks"
	TableLengths PositionTable = "lengths"
)

// PositionTables are all that there are.
func PositionTables() []PositionTable { return []PositionTable{TableCells, TableRanks, TableLengths} }

// Table is the rows of one of the tables for other programs.
func (p Positions) Table(of PositionTable) exporter.Table {
	switch of {
	case TableRanks:
		return p.rankTable()
	case TableLengths:
		return p.lengthTable()
	default:
		return p.cellTable()
	}
}

func (p Positions) rankTable() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Count, "from", "to", "shows", "clicks"),
		columns(exporter.Number, "ctr", "visibility", "visibility_low", "visibility_high"))}
	for _, row := range p.Ranks {
		table.Rows = append(table.Rows, []any{uint64(row.From), uint64(row.To), row.Shows, row.Clicks,
			value(row.CTR), value(row.Visibility), value(row.Interval.Lower), value(row.Interval.Upper)})
	}
	return table
}

func (p Positions) lengthTable() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Count, "from", "to", "shows", "clicks"),
		columns(exporter.Number, "ctr", "level"))}
	for _, row := range p.Lengths {
		table.Rows = append(table.Rows, []any{uint64(row.From), uint64(row.To), row.Shows, row.Clicks, value(row.CTR), value(row.Level)})
	}
	return table
}

func (p Positions) cellTable() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Count, "page_total", "benefit_index", "shows", "clicks"),
		columns(exporter.Number, "expected"), columns(exporter.Count, "compared"))}
	for _, row := range p.Cells {
		table.Rows = append(table.Rows, []any{uint64(row.PageTotal), uint64(row.BenefitIndex), row.Shows, row.Clicks, value(row.Expected), row.Compared})
	}
	return table
}

// Table is a row for each benefit, or one for all without an id. Each event type
// that is of no stage has a column.
func (f Funnel) Table() exporter.Table {
	outside := slices.Sorted(maps.Keys(f.Records.Outside))
	table := exporter.Table{Columns: slices.Concat(identityColumns, columns(exporter.Count, "shown", "opened", "acted"),
		columns(exporter.Number, "open_rate", "act_rate"), visitorFunnelColumns, columns(exporter.Count, outside...))}
	add := func(identity []any, r Records, visitors *VisitorFunnel) {
		row := append(identity, r.Shown, r.Opened, r.Acted, value(r.OpenRate), value(r.ActRate))
		row = append(row, visitors.values()...)
		for _, event := range outside {
			row = append(row, r.Outside[event])
		}
		table.Rows = append(table.Rows, row)
	}
	if f.Benefits == nil {
		add([]any{nil, nil, nil, nil}, f.Records, f.Visitors)
	}
	for _, row := range f.Benefits {
		add(row.values(), row.Records, row.Visitors)
	}
	return table
}

// Table is the steps for other programs.
func (t Timeline) Table() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Text, "start_at", "end_at"), columns(exporter.Count, "shows", "clicks"),
		columns(exporter.Number, "ctr", "ctr_low", "ctr_high", "expected", "o_over_e", "o_over_e_low", "o_over_e_high"),
		columns(exporter.Count, "visitor_days"))}
	for _, row := range t.Steps {
		var visitorDays any
		if row.VisitorDays != nil {
			visitorDays = *row.VisitorDays
		}
		table.Rows = append(table.Rows, []any{row.StartAt.Format(time.RFC3339), row.EndAt.Format(time.RFC3339), row.Shows, row.Clicks,
			value(row.CTR), value(row.CTRInterval.Lower), value(row.CTRInterval.Upper), value(row.Expected),
			value(row.OOverE), value(row.OOverEInterval.Lower), value(row.OOverEInterval.Upper), visitorDays})
	}
	return table
}

// Table is one row.
func (q Quality) Table() exporter.Table {
	return exporter.Table{
		Columns: slices.Concat(columns(exporter.Count, "pages"), columns(exporter.Number, "balance"),
			columns(exporter.Count, "worst_page_total", "worst_benefit_index", "misplaced_shows", "orphan_clicks",
				"repeated_clicks", "repeated_places", "other_shows", "other_clicks"),
			columns(exporter.Truth, "identified"), columns(exporter.Number, "dispersion"),
			columns(exporter.Text, "first_day", "last_day", "kept_from")),
		Rows: [][]any{{
			q.Pages, value(q.Balance), rank(int(q.WorstTotal)), rank(int(q.WorstIndex)), q.Misplaced, q.Orphans,
			q.Repeated, uint64(q.RepeatedPlaces), q.OtherShows, q.OtherClicks, q.Model.Identified, q.Model.Dispersion,
			text(q.FirstDay), text(q.LastDay), text(q.KeptFrom),
		}},
	}
}
