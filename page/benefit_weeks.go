package page

import (
	"math"
	"time"

	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// weeksShown is how many days of weeks are drawn at least.
const weeksShown = 12 * 7

// weeks is observed ÷ expected of a benefit by week: of the view's window, or of the
// twelve weeks before its end if it is shorter.
func (r *request) weeks(id string) (report.Timeline, error) {
	q := r.query()
	q.Benefit, q.Step = id, report.StepWeek
	if r.window.days() < weeksShown {
		q.From = r.window.to - min(r.window.to-1, weeksShown)
	}
	if r.span.any {
		q.From = max(q.From, min(r.span.first, q.To-1))
	}
	// Weeks begin on Mondays; a first one that was cut short says little.
	for q.From.Time().Weekday() != time.Monday && q.To-q.From > 14 {
		q.From++
	}
	return r.page.config.Reports.Timeline(r.ctx, q)
}

// A weeksChange is a change that began with a week and lasts.
type weeksChange struct {
	since time.Time
	ratio float64
}

// changeOf is the change of the last weeks that stands out most, if any does after all
// weeks were looked at for one: p · number of weeks < 5 % (Bonferroni), and each of the
// weeks on the same side of 1. Nil for none.
func changeOf(t report.Timeline) *weeksChange {
	const chance = 0.05
	var best *weeksChange
	smallest := chance / float64(max(1, len(t.Steps)))
	observed, expected, side := 0.0, 0.0, 0.0
	for i := len(t.Steps) - 1; i > 0; i-- {
		step := t.Steps[i]
		if !step.OOverE.Known() || !step.Expected.Known() || step.Expected <= 0 || step.OOverE == 1 {
			break
		}
		now := math.Copysign(1, float64(step.OOverE)-1)
		if side != 0 && now != side {
			break
		}
		side, observed, expected = now, observed+float64(step.OOverE*step.Expected), expected+float64(step.Expected)
		evidence := insight.Evidence{Clicks: observed, Expected: expected, Dispersion: max(1, t.Model.Dispersion), Variance: max(1, t.Model.Dispersion) / max(observed, 1)}
		if p := evidence.P(); p < smallest {
			smallest, best = p, &weeksChange{since: step.StartAt, ratio: observed / expected}
		}
	}
	return best
}

// weeksFigure draws them; nil if nothing was expected.
func (r *request) weeksFigure(t report.Timeline) *figure {
	l, known := r.language, 0
	tab := &table{Class: "cards", Columns: []column{{Name: r.T("col.week")}, {Class: "n", Name: r.T("col.observed")}, {Class: "n", Name: r.T("col.expected")}, {Class: "n", Name: r.T("col.ratio")}}}
	var weeks []draw.Week
	for _, step := range t.Steps {
		w := draw.Week{Label: l.ShortDay(step.StartAt), Interval: draw.Interval{Lower: float64(step.OOverEInterval.Lower), Middle: float64(step.OOverE), Upper: float64(step.OOverEInterval.Upper)}}
		if !step.OOverEInterval.Known() {
			w.Middle = math.NaN()
		} else {
			known++
		}
		weeks = append(weeks, w)
		tab.Rows = append(tab.Rows, row{Cells: []cell{
			{Header: true, Body: text(l.DayMonth(step.StartAt))},
			{Class: "n", Label: r.T("col.observed"), Body: text(l.Number(observedOf(step), 0))},
			{Class: "n", Label: r.T("col.expected"), Body: text(r.number(step.Expected, 0))},
			{Class: "n", Label: r.T("col.ratio"), Body: under(r.number(step.OOverE, 2), r.interval(step.OOverEInterval, 2))},
		}})
	}
	if known < 2 {
		return nil
	}
	names := draw.Names{ID: "oe", Title: r.T("weeks.title"), Description: r.weeksInWords(t)}
	return &figure{Title: names.Title, Caption: l.Count("weeks.caption", float64(len(weeks)), words.With{"n": l.Number(float64(len(weeks)), 0)}), Summary: r.T("table.see"),
		Table: tab, NoPrint: true, Picture: draw.Weeks(names, weeks, r.ratioTicks())}
}

// observedOf are the clicks that are held against the expected ones.
func observedOf(step report.StepSums) float64 {
	if step.OOverE.Known() && step.Expected.Known() {
		return math.Round(float64(step.OOverE * step.Expected))
	}
	return float64(step.Clicks)
}

func (r *request) weeksInWords(t report.Timeline) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, step := range t.Steps {
		if step.OOverE.Known() {
			low, high = min(low, float64(step.OOverE)), max(high, float64(step.OOverE))
		}
	}
	return r.language.Fill("weeks.words", words.With{"low": r.language.Number(low, 2), "high": r.language.Number(high, 2)})
}

func (r *request) ratioTicks() []draw.Tick {
	return []draw.Tick{{At: 0.5, Label: r.language.Number(0.5, 1)}, {At: 0.71, Label: r.language.Number(0.71, 2)}, {At: 1, Label: "1"},
		{At: 1.41, Label: r.language.Number(1.41, 2)}, {At: 2, Label: "2"}}
}
