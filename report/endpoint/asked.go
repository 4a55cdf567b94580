package endpoint

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stats-recorder/counters"
	"stats-recorder/exchange/exporter"
	"stats-recorder/httpapi"
	"stats-recorder/httpapi/records"
	"stats-recorder/insight"
	"stats-recorder/report"
)

// asked is what a request asks for.
type asked struct {
	query  report.Query
	format string
	locale exporter.Locale
	part   report.Part
	// from and to are the days of the window, for the name of a file.
	from, to counters.Day
}

const (
	formatJSON = "json"
	formatCSV  = "csv"
)

// maxLimit bounds the parameter, so that a mistyped one is noticed.
const maxLimit = 1_000_000

// readAsked reads the parameters that the table knows. The error is for the client.
func (t Table) readAsked(request httpapi.Request, retention httpapi.Retention, answer *httpapi.Answer) (a asked, err error) {
	query := httpapi.Query(slices.DeleteFunc(slices.Clone(request.Query), func(p httpapi.Parameter) bool {
		return !slices.Contains(t.Parameters, p.Name)
	}))
	q := &a.query
	q.Benefit, q.Group = query.First("benefit"), query.First("group")
	if a.query.Version, err = httpapi.AskedVersion(query); err != nil {
		return a, err
	}
	if q.Zone, err = httpapi.AskedZone(query.First("time_zone")); err != nil {
		return a, err
	}
	if err := a.readWords(query, request.Accept, t.Parts); err != nil {
		return a, err
	}
	if q.Plan, err = planAsked(query, cmp.Or(request.Below, query.First(parameterExperiment))); err != nil {
		return a, err
	}
	if q.Limit, err = limitAsked(query); err != nil {
		return a, err
	}
	if q.Step == report.StepHour && query.First("version") != "" {
		return a, httpapi.Unprocessable("version: hours are of all versions together: leave it out, or use step=day")
	}
	window, err := httpapi.AskedWindow(query, retention, answer, 24*time.Hour, time.UTC)
	if err != nil {
		return a, err
	}
	a.from, a.to = daysOf(window)
	q.From, q.To = a.from, a.to
	if kept, some := retention.KeptFrom(); some && q.From == kept && kept > 1 && answer.Has(httpapi.HeaderRetentionStart) {
		q.From-- // what retention has taken: a reporter takes it off again, and says so
	}
	return a, nil
}

// daysOf are the days of a window of whole days, as a report.Query has them: 0 is open.
func daysOf(w httpapi.Window) (from, to counters.Day) {
	if w.Unbounded() {
		return 0, 0
	}
	from, to = w.From.Day(), w.To.Day()
	switch {
	case w.To == counters.EndOfTime && from > 0:
		return from, 0
	case w.To == counters.EndOfTime:
		return 0, counters.MaxDay // from 1970 on, which is not all of time
	case to == 0:
		return 1, 1 // before 1970 nothing is, and 0 is open
	}
	return from, to
}

// readWords reads the parameters that are one of a few words.
func (a *asked) readWords(query httpapi.Query, accept string, parts []report.Part) (err error) {
	word := func(name, missing string, words ...string) (text string) {
		if text = query.First(name); text == "" {
			return missing
		}
		if !slices.Contains(words, text) && err == nil {
			err = httpapi.Unprocessable("%s: %s: use %s", name, records.QuoteShort(text), oneOf(words))
		}
		return text
	}
	if word("stage", "opened", "opened", "acted") == "acted" {
		a.query.Stage = insight.StageActed
	}
	a.query.Order = report.Order(word("order", string(report.OrderScore), texts(report.Orders())...))
	a.query.Step = report.Step(word("step", string(report.StepDay), texts(report.Steps())...))
	a.query.Totals = word("group_by", "benefit", "benefit", "total") == "total"
	if len(parts) > 0 {
		a.part = report.Part(word(parameterPart, string(parts[0]), texts(parts)...))
	}
	a.format = word("format", preferred(accept), formatJSON, formatCSV)
	if a.locale = exporter.Plain; word("lang", "en", "en", "fr") == "fr" {
		a.locale = exporter.French
	}
	return err
}

func texts[T ~string](words []T) []string {
	made := make([]string, len(words))
	for i, word := range words {
		made[i] = string(word)
	}
	return made
}

// oneOf is a list for a sentence.
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func limitAsked(query httpapi.Query) (int, error) {
	text := query.First("limit")
	if text == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, httpapi.Unprocessable("limit: must be an integer from 1 to %d, not %s", maxLimit, records.QuoteShort(text))
	}
	return limit, nil
}

// preferred is the format that an Accept header asks for more (RFC 9110, 12.5.1): CSV
// only if it is named and JSON is not as welcome.
func preferred(accept string) string {
	csv, data := 0.0, 0.0
	for item := range strings.SplitSeq(accept, ",") {
		kind, parameters, _ := strings.Cut(item, ";")
		weight := weightOf(parameters)
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "text/csv":
			csv = weight
		case "application/json", "application/*", "*/*":
			data = max(data, weight)
		}
	}
	if csv > data {
		return formatCSV
	}
	return formatJSON
}

// weightOf is the q of the parameters of an item, 1 without.
func weightOf(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			weight, _ := strconv.ParseFloat(strings.TrimSpace(value), 64) // what is no number is 0
			return weight
		}
	}
	return 1
}

// days are those of the window for the name of a file.
func (a asked) days() string {
	name := ""
	for _, day := range []counters.Day{a.from, a.to} {
		if day > 0 && day < counters.MaxDay {
			name += "-" + day.String()
		}
	}
	return name
}

// csvOf is a table for a spreadsheet.
func csvOf(table exporter.Table, locale exporter.Locale) ([]byte, error) {
	var out bytes.Buffer
	err := exporter.WriteTable(&out, exporter.Spreadsheet, locale, table)
	return out.Bytes(), err
}

// setEffective says which window an answer has whose open ends are where the counts begin
// and end; nil for an end that is open all the same.
func setEffective(answer *httpapi.Answer, start, end *time.Time) {
	if start != nil {
		answer.Set(httpapi.HeaderEffectiveStart, start.Format(time.RFC3339))
	}
	if end != nil {
		answer.Set(httpapi.HeaderEffectiveEnd, end.Format(time.RFC3339))
	}
}
