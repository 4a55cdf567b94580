package endpoint

import (
	"context"
	"errors"
	"time"

	json "github.com/goccy/go-json/v2"

	"stats-recorder/exchange/exporter"
	"stats-recorder/httpapi"
	"stats-recorder/report"
)

// patience bounds how long a read waits for fits of others.
const patience = 10 * time.Second

// table is what a report.Reporter answers with.
type table interface {
	report.Benefits | report.Positions | report.Funnel | report.Timeline | report.Quality
}

// tableRead makes a read of a table.
type tableRead[T table] struct {
	name string
	// parameters are those of this table beside the common ones.
	parameters []string
	ask        func(context.Context, report.Query) (T, error)
	// rows are the table for CSV.
	rows func(T, asked) exporter.Table
}

// commonParameters are known by every table.
var commonParameters = []string{"start_at", "end_at", "version", "time_zone", "format", "lang"}

// Reads are the endpoints of a reporter. History is that of its source.
func Reads(r *report.Reporter, history httpapi.History) []httpapi.Read {
	return []httpapi.Read{
		tableRead[report.Benefits]{"benefits", []string{"stage", "order", "benefit", "group", "limit"}, r.Benefits,
			func(t report.Benefits, _ asked) exporter.Table { return t.Table() }}.read(history),
		tableRead[report.Positions]{"positions", []string{"stage", "benefit", "table"}, r.Positions,
			func(t report.Positions, a asked) exporter.Table { return t.Table(a.positions) }}.read(history),
		tableRead[report.Funnel]{"funnel", []string{"group_by", "benefit", "group", "limit"}, r.Funnel,
			func(t report.Funnel, _ asked) exporter.Table { return t.Table() }}.read(history),
		tableRead[report.Timeline]{"timeline", []string{"stage", "step", "benefit", "group"}, r.Timeline,
			func(t report.Timeline, _ asked) exporter.Table { return t.Table() }}.read(history),
		tableRead[report.Quality]{"quality", []string{"stage"}, r.Quality,
			func(t report.Quality, _ asked) exporter.Table { return t.Table() }}.read(history),
	}
}

func (t tableRead[T]) read(history httpapi.History) httpapi.Read {
	parameters := append(t.parameters, commonParameters...)
	return httpapi.Read{
		Path: "/insight/" + t.name, Parameters: parameters, Access: httpapi.AccessByBrowser,
		Answer: func(request httpapi.Request) (answer httpapi.Answer, err error) {
			answer.Vary = "Accept"
			asked, err := readAsked(request, history, &answer, parameters)
			if err != nil {
				return answer, err
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			made, err := t.ask(ctx, asked.query)
			if err != nil {
				return answer, forClient(err)
			}
			return answer, t.render(&answer, made, asked)
		},
	}
}

// forClient is the error that clients are told, if it is for them.
func forClient(err error) error {
	switch {
	case errors.Is(err, report.ErrTooManySteps):
		return httpapi.Unprocessable("%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return httpapi.Busy()
	}
	return err
}

func (t tableRead[T]) render(answer *httpapi.Answer, made T, asked asked) (err error) {
	if timeline, is := any(made).(report.Timeline); is {
		setEffective(answer, timeline.Window)
	}
	if asked.format == formatJSON {
		answer.Body, err = json.Marshal(made)
		return err
	}
	answer.ContentType = "text/csv; charset=utf-8; header=present"
	answer.Set("Content-Disposition", `attachment; filename="`+t.name+asked.days()+`.csv"`)
	answer.Body, err = csvOf(t.rows(made, asked), asked.locale)
	return err
}
