package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	json "github.com/goccy/go-json/v2"
	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/exchange/exporter"
	"stats-recorder/httpapi"
	"stats-recorder/insight"
	"stats-recorder/report"
)

// patience bounds how long a read waits for fits of others.
const patience = 10 * time.Second

// ErrAnswer is returned for what is not the answer of an endpoint.
var ErrAnswer = errors.New("not the answer of an endpoint of /insight")

// A Table is an endpoint: one of the tables of a report.Reporter. Make them with
// Tables.
type Table struct {
	// Name is its last part of the path.
	Name string
	// Parameters are the names of those that it knows.
	Parameters []string
	// Parts are the lists that rows are made of, the first unless the parameter table says
	// another; none where there is only one.
	Parts []report.Part

	// below lets paths below its own one name the only row that is asked for.
	below bool
	// overVisitors says that its window begins where visitors are kept, and not counts.
	overVisitors bool
	// lasting says that an answer changes with the counts and the labels alone.
	lasting bool
	// ask asks a reporter, decode reads the JSON of an answer, both as a value that
	// rows can make a table of.
	ask    func(*report.Reporter, context.Context, report.Query) (any, error)
	decode func(io.Reader) (any, error)
	rows   func(any, asked) exporter.Table
}

// commonParameters are known by every table.
var commonParameters = []string{"start_at", "end_at", "version", "time_zone", "format", "lang"}

// Tables are all that there are.
func Tables() []Table {
	return []Table{
		newTable("benefits", (*report.Reporter).Benefits, func(t report.Benefits, a asked) exporter.Table { return t.Table(a.part) },
			"stage", "order", "benefit", "group", "limit").inParts(report.PartBenefits, report.PartGroups, report.PartNever).thatLasts(),
		newTable("positions", (*report.Reporter).Positions, func(t report.Positions, a asked) exporter.Table { return t.Table(a.part) },
			"stage", "benefit").inParts(report.PartCells, report.PartRanks, report.PartLengths).thatLasts(),
		newTable("funnel", (*report.Reporter).Funnel, func(t report.Funnel, _ asked) exporter.Table { return t.Table() },
			"group_by", "benefit", "group", "limit"),
		newTable("timeline", (*report.Reporter).Timeline, func(t report.Timeline, _ asked) exporter.Table { return t.Table() },
			"stage", "step", "benefit", "group"),
		newTable("quality", (*report.Reporter).Quality, func(t report.Quality, a asked) exporter.Table { return t.Table(a.part) },
			"stage").inParts(report.PartQuality, report.PartOddInput),
		newTable("visitors", (*report.Reporter).Visitors, func(t report.Visitors, _ asked) exporter.Table { return t.Table() },
			"step").ofVisitors(),
		newTable("experiments", (*report.Reporter).Experiments, func(t report.Experiments, _ asked) exporter.Table { return t.Table() },
			parameterExperiment, "control", "metric", "mde", "weights").ofVisitors().withBelow(),
	}
}

// parameterExperiment names the only experiment that is asked for, as the path below does.
const parameterExperiment = "experiment"

// parameterPart names the part of the answer that rows are of.
const parameterPart = "table"

// ofVisitors takes off what visitors are not told apart by: they are of all versions of
// records, and of UTC days.
func (t Table) ofVisitors() Table {
	t.overVisitors = true
	t.Parameters = slices.DeleteFunc(t.Parameters, func(name string) bool { return name == "version" || name == "time_zone" })
	return t
}

func (t Table) withBelow() Table {
	t.below = true
	return t
}

func newTable[T any](name string, ask func(*report.Reporter, context.Context, report.Query) (T, error),
	rows func(T, asked) exporter.Table, parameters ...string,
) Table {
	return Table{
		Name: name, Parameters: slices.Concat(parameters, commonParameters),
		ask: func(r *report.Reporter, ctx context.Context, q report.Query) (any, error) { return ask(r, ctx, q) },
		decode: func(from io.Reader) (any, error) {
			var t T
			err := json.UnmarshalRead(from, &t)
			return t, err
		},
		rows: func(made any, a asked) exporter.Table { return rows(made.(T), a) },
	}
}

func (t Table) thatLasts() Table {
	t.lasting = true
	return t
}

// inParts has the rows be of one of several parts of the answer.
func (t Table) inParts(parts ...report.Part) Table {
	t.Parameters, t.Parts = append(t.Parameters, parameterPart), parts
	return t
}

// Reads are the endpoints of a reporter. Retention is that of its source.
func Reads(r *report.Reporter, retention httpapi.Retention) (reads []httpapi.Read) {
	for _, table := range Tables() {
		reads = append(reads, table.read(r, retention))
	}
	return reads
}

func (t Table) read(r *report.Reporter, retention httpapi.Retention) httpapi.Read {
	return httpapi.Read{
		Path: "/insight/" + t.Name, Below: t.below, Parameters: t.Parameters, Access: httpapi.AccessByBrowser,
		Answer: func(request httpapi.Request) (answer httpapi.Answer, err error) {
			answer.Vary = "Accept"
			asked, err := t.readAsked(request, t.retention(r, retention), &answer)
			if err != nil {
				return answer, err
			}
			if asked.format == formatCSV {
				answer.ContentType = "text/csv; charset=utf-8; header=present"
				answer.Set("Content-Disposition", `attachment; filename="`+t.Name+asked.days()+`.csv"`)
			}
			make := func() ([]byte, error) { return t.make(r, &answer, asked) }
			if t.lasting {
				answer.Body, err = r.Kept(t.keyOf(asked), make)
			} else {
				answer.Body, err = make()
			}
			return answer, err
		},
	}
}

// keeping is the first day that something is kept of, if that of earlier ones is not.
type keeping func() (counters.Day, bool)

func (k keeping) KeptFrom() (counters.Day, bool) { return k() }

// retention is what the table's windows begin by.
func (t Table) retention(r *report.Reporter, ofCounts httpapi.Retention) httpapi.Retention {
	if t.overVisitors {
		return keeping(r.VisitorsKeptFrom)
	}
	return ofCounts
}

// bodyKey is what the body of a table that lasts is known by: all that such a table
// looks at.
type bodyKey struct {
	table, format  string
	locale         exporter.Locale
	part           report.Part
	from, to       counters.Day
	version        uint16
	stage          insight.Stage
	benefit, group string
	order          report.Order
	limit          int
}

var _ map[bodyKey]bool // it must be comparable

func (t Table) keyOf(a asked) bodyKey {
	q := a.query
	return bodyKey{t.Name, a.format, a.locale, a.part, q.From, q.To, q.Version, q.Stage, q.Benefit, q.Group, q.Order, q.Limit}
}

// make asks a reporter and renders what it answers. A client that has gone keeps its turn: its
// connection is not looked at while a request of it is answered, and one that has shut down its
// side alone still reads the answer. The work is not lost, since the reporter keeps what it
// reads and fits for who asks for the same next.
func (t Table) make(r *report.Reporter, answer *httpapi.Answer, asked asked) ([]byte, error) {
	ctx, cancel := context.WithTimeout(report.ForOneAnswer(context.Background()), patience)
	defer cancel()
	made, err := t.ask(r, ctx, asked.query)
	if err != nil {
		return nil, forClient(err)
	}
	switch made := made.(type) {
	case report.Timeline:
		setEffective(answer, made.Window.StartAt, made.Window.EndAt)
	case report.Visitors:
		setEffective(answer, made.Window.StartAt, made.Window.EndAt)
	case report.Experiments:
		setEffective(answer, made.Window.StartAt, made.Window.EndAt)
	}
	if asked.format == formatJSON {
		return json.Marshal(made)
	}
	return csvOf(t.rows(made, asked), asked.locale)
}

// Of asks a reporter by parameters, as the endpoint does, and makes rows of the answer.
// An *httpapi.Error is for who has chosen the parameters.
func (t Table) Of(ctx context.Context, r *report.Reporter, retention httpapi.Retention, parameters httpapi.Query) (exporter.Table, error) {
	asked, err := t.readAsked(httpapi.Request{Query: parameters}, t.retention(r, retention), &httpapi.Answer{})
	if err != nil {
		return exporter.Table{}, err
	}
	made, err := t.ask(r, ctx, asked.query)
	if err != nil {
		return exporter.Table{}, forClient(err)
	}
	return t.rows(made, asked), nil
}

// OfAnswer makes the same rows of the JSON that a server answers. It returns ErrAnswer
// for anything else.
func (t Table) OfAnswer(answer io.Reader, parameters httpapi.Query) (exporter.Table, error) {
	made, err := t.decode(answer)
	if err != nil {
		return exporter.Table{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return t.rows(made, asked{part: report.Part(parameters.First(parameterPart))}), nil
}

// forClient is the error that clients are told, if it is for them.
func forClient(err error) error {
	switch {
	case errors.Is(err, report.ErrNoVisitors):
		return &httpapi.Error{Status: fasthttp.StatusNotFound, Message: err.Error() + ": VISITORS is off"}
	case errors.Is(err, report.ErrTooManySteps), errors.Is(err, report.ErrPlan), errors.Is(err, report.ErrVisitorStep):
		return httpapi.Unprocessable("%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return httpapi.Busy()
	}
	return err
}
