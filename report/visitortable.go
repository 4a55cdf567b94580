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
	columns(exporter.Number, "visitors_open_rate", "visitors_open_low", "visitors_open_high",
		"visitors_act_rate", "visitors_act_low", "visitors_act_high"), columns(exporter.Truth, "visitors_few"))

// values are the columns of a way of visitors, empty for none.
func (v *VisitorFunnel) values() []any {
	if v == nil {
		return make([]any, len(visitorFunnelColumns))
	}
	return []any{counted(v.Shown), counted(v.Opened), counted(v.Acted),
		value(v.OpenRate), value(v.OpenInterval.Lower), value(v.OpenInterval.Upper),
		value(v.ActRate), value(v.ActInterval.Lower), value(v.ActInterval.Upper), v.Few}
}

var liftColumns = columns(exporter.Number, "lift", "lift_low", "lift_high", "lift_fixed_low", "lift_fixed_high")

func (l Lift) values() []any {
	return []any{value(l.Lift), value(l.Interval.Lower), value(l.Interval.Upper),
		value(l.IntervalFixed.Lower), value(l.IntervalFixed.Upper)}
}

// Table is a row for each variant of each experiment, and after those of the experiment
// that was asked for, a row for each benefit and variant.
// What is said of the experiment as a whole is in each of its rows.
func (e Experiments) Table() exporter.Table {
	table := exporter.Table{Columns: slices.Concat(columns(exporter.Text, "experiment", "variant", "benefit", "label"),
		columns(exporter.Count, "visitors", "pages", "clicks", "shown", "opened", "acted"),
		columns(exporter.Number, "conversion", "clicks_per_page"), liftColumns,
		columns(exporter.Text, "verdict"), columns(exporter.Truth, "few"), columns(exporter.Number, "srm_p"), columns(exporter.Text, "srm_verdict"),
		columns(exporter.Count, "crossed"))}
	for _, experiment := range e.Experiments {
		whole := []any{nil, nil, counted(experiment.Crossed)}
		if experiment.SRM != nil {
			whole[0], whole[1] = value(experiment.SRM.P), text(Text(experiment.SRM.Verdict))
		}
		for _, v := range experiment.Variants {
			row := []any{experiment.Name, v.Name, nil, nil, counted(v.Visitors), counted(v.Pages), counted(v.Clicks), nil, nil, nil,
				value(v.Conversion), value(v.ClicksPerPage)}
			table.Rows = append(table.Rows, slices.Concat(row, v.Lift.values(), []any{text(Text(v.Verdict)), v.Few}, whole))
		}
		for _, benefit := range experiment.Benefits {
			for _, v := range benefit.Variants {
				row := []any{experiment.Name, v.Name, benefit.ID, text(benefit.Label), nil, nil, nil,
					counted(v.Shown), counted(v.Opened), counted(v.Acted), value(v.Conversion), nil}
				table.Rows = append(table.Rows, slices.Concat(row, v.Lift.values(), []any{text(Text(v.Verdict)), v.Few}, whole))
			}
		}
	}
	return table
}
