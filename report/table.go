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

// A Part of an answer is one of the lists in it, of which there is a table for other programs.
type Part string

// The parts of Benefits, of Positions and of Quality.
const (
	PartBenefits Part = "benefits"
	PartGroups   Part = "groups"
	PartNever    Part = "never"

	PartCells   Part = "cells"
	PartRanks   Part = "ranks"
	PartLengths Part = "lengths"

	PartQuality  Part = "quality"
	PartOddInput Part = "odd_input"
)

// Table is the rows of a part for other programs: PartGroups, PartNever or else PartBenefits.
// Intervals are two columns.
func (b Benefits) Table(of Part) exporter.Table {
	switch of {
	case PartGroups:
		return b.groupTable()
	case PartNever:
		return b.neverTable()
	default:
		return b.benefitTable()
	}
}

func (b Benefits) groupTable() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Text, "group"), columns(exporter.Count, "benefits", "shows", "clicks"),
		columns(exporter.Number, "ctr", "ctr_low", "ctr_high", "expected", "merit", "merit_low", "merit_high"))}
	for _, row := range b.Groups {
		table.Rows = append(table.Rows, []any{text(row.Group), uint64(row.Benefits), row.Shows, row.Clicks,
			value(row.CTR), value(row.CTRInterval.Lower), value(row.CTRInterval.Upper), row.Expected,
			value(row.Merit), value(row.MeritInterval.Lower), value(row.MeritInterval.Upper)})
	}
	return table
}

func (b Benefits) neverTable() exporter.Table {
	table := exporter.Table{Columns: identityColumns}
	for _, row := range b.Never {
		table.Rows = append(table.Rows, row.values())
	}
	return table
}

func (b Benefits) benefitTable() exporter.Table {
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

// Table is the rows of a part for other programs: PartRanks, PartLengths or else PartCells.
func (p Positions) Table(of Part) exporter.Table {
	switch of {
	case PartRanks:
		return p.rankTable()
	case PartLengths:
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

// Table is a row for each benefit, or one for all without an id. Each event type that is of
// no stage has a column, named so that it is no other's: types may have any name.
func (f Funnel) Table() exporter.Table {
	outside := slices.Sorted(maps.Keys(f.Records.Outside))
	named := make([]string, len(outside))
	for i, event := range outside {
		named[i] = "outside_" + event
	}
	table := exporter.Table{Columns: slices.Concat(identityColumns, columns(exporter.Count, "shown", "opened", "acted"),
		columns(exporter.Number, "open_rate", "act_rate"), visitorFunnelColumns, columns(exporter.Count, named...))}
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

// Table is the rows of a part for other programs: PartOddInput, or else the one of PartQuality.
func (q Quality) Table(of Part) exporter.Table {
	if of == PartOddInput {
		return q.oddInputTable()
	}
	return exporter.Table{
		Columns: slices.Concat(columns(exporter.Count, "pages"), columns(exporter.Number, "balance"),
			columns(exporter.Count, "worst_page_total", "worst_benefit_index", "misplaced_shows", "orphan_clicks",
				"repeated_clicks", "repeated_places", "other_shows", "other_clicks"),
			columns(exporter.Truth, "identified"), columns(exporter.Number, "dispersion"),
			columns(exporter.Text, "first_day", "last_day", "kept_from"), columns(exporter.Count, "anonymous_records")),
		Rows: [][]any{{
			q.Pages, value(q.Balance), rank(int(q.WorstTotal)), rank(int(q.WorstIndex)), q.Misplaced, q.Orphans,
			q.Repeated, uint64(q.RepeatedPlaces), q.OtherShows, q.OtherClicks, q.Model.Identified, q.Model.Dispersion,
			text(q.FirstDay), text(q.LastDay), text(q.KeptFrom), counted(q.AnonymousRecords),
		}},
	}
}

func (q Quality) oddInputTable() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Text, "field", "reason", "name"), columns(exporter.Count, "times"))}
	for _, row := range q.OddInput {
		table.Rows = append(table.Rows, []any{text(row.Field), row.Reason, text(row.Name), row.Times})
	}
	return table
}
