package report

import (
	"slices"
	"time"

	"stats-recorder/exchange/exporter"
)

func counted(n *uint64) any {
	if n == nil {
		return nil
	}
	return *n
}

// Table is the steps for other programs.
func (v Visitors) Table() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Text, "start_at", "end_at"),
		columns(exporter.Count, "visitor_days", "days"),
		columns(exporter.Number, "sampled", "no_opening", "no_opening_low", "no_opening_high", "pages_per_visitor"),
		columns(exporter.Count, "anonymous_records"), columns(exporter.Truth, "few"))}
	for _, row := range v.Steps {
		table.Rows = append(table.Rows, []any{row.StartAt.Format(time.RFC3339), row.EndAt.Format(time.RFC3339),
			counted(row.VisitorDays), uint64(row.Days), row.Sampled, value(row.NoOpening),
			value(row.NoOpeningInterval.Lower), value(row.NoOpeningInterval.Upper), value(row.PagesPerVisitor),
			row.AnonymousRecords, row.Few})
	}
	return table
}

var visitorFunnelColumns = slices.Concat(columns(exporter.Count, "visitors_shown", "visitors_opened", "visitors_acted"),
	columns(exporter.Number, "visitors_open_rate", "visitors_act_rate"), columns(exporter.Truth, "visitors_few"))

// values are the columns of a way of visitors, empty for none.
func (v *VisitorFunnel) values() []any {
	if v == nil {
		return make([]any, len(visitorFunnelColumns))
	}
	return []any{counted(v.Shown), counted(v.Opened), counted(v.Acted), value(v.OpenRate), value(v.ActRate), v.Few}
}

var liftColumns = columns(exporter.Number, "lift", "lift_low", "lift_high", "lift_fixed_low", "lift_fixed_high")

func (l Lift) values() []any {
	return []any{value(l.Lift), value(l.Interval.Lower), value(l.Interval.Upper),
		value(l.IntervalFixed.Lower), value(l.IntervalFixed.Upper)}
}

// Table is a row for each variant of each experiment, and after those of the experiment
// that was asked for, a row for each benefit and variant.
func (e Experiments) Table() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Text, "experiment", "variant", "benefit", "label"),
		columns(exporter.Count, "visitors", "pages", "clicks", "shown", "opened", "acted"),
		columns(exporter.Number, "conversion", "clicks_per_page"), liftColumns,
		columns(exporter.Text, "verdict"), columns(exporter.Truth, "few"), columns(exporter.Number, "srm_p"))}
	for _, experiment := range e.Experiments {
		var ratio any
		if experiment.SRM != nil {
			ratio = value(experiment.SRM.P)
		}
		for _, v := range experiment.Variants {
			row := []any{experiment.Name, v.Name, nil, nil, counted(v.Visitors), counted(v.Pages), counted(v.Clicks), nil, nil, nil,
				value(v.Conversion), value(v.ClicksPerPage)}
			table.Rows = append(table.Rows, append(append(row, v.Lift.values()...), text(Text(v.Verdict)), v.Few, ratio))
		}
		for _, benefit := range experiment.Benefits {
			for _, v := range benefit.Variants {
				row := []any{experiment.Name, v.Name, benefit.ID, text(benefit.Label), nil, nil, nil,
					counted(v.Shown), counted(v.Opened), counted(v.Acted), value(v.Conversion), nil}
				table.Rows = append(table.Rows, append(append(row, v.Lift.values()...), text(Text(v.Verdict)), v.Few, ratio))
			}
		}
	}
	return table
}
