package page

import (
	"cmp"
	"errors"
	"html/template"
	"math"
	"slices"
	"strconv"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// experimentsView is the view of experiments: did the variant help, may one stop?
type experimentsView struct {
	*frame
	Experiments []experimentView
}

// experimentView is one experiment.
type experimentView struct {
	Name     string
	Phrase   template.HTML
	Trouble  *note
	ByDay    *figure
	Compared *table
	Variants *table
	Facts    []fact
	Wait     template.HTML
	// Benefits are compared if this is the only experiment; else Link leads there.
	Benefits *table
	Link     template.HTML
}

// A fact is a word with what is known of it.
type fact struct {
	Name string
	Text template.HTML
}

func showExperiments(r *request) (content, error) {
	v := &experimentsView{frame: r.newFrame()}
	q, effect := r.query(), r.effect()
	q.Plan = report.Plan{Control: r.address[askControl], Effect: effect}
	all, err := r.page.config.Reports.Experiments(r.ctx, q)
	if errors.Is(err, report.ErrNoVisitors) {
		v.Phrase = r.Say("experiments.off")
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	v.Filters = r.newFilters(r.controlField(all), r.effectField())
	v.Download = r.download("experiments")
	if len(all.Experiments) == 0 {
		v.Phrase = r.language.Say("experiments.none", words.With{"period": r.period()})
		return v, nil
	}
	one, only := r.onlyExperiment(all)
	if only {
		all.Experiments = []report.Experiment{one}
	}
	days, err := r.looks(q)
	if err != nil {
		return nil, err
	}
	var short []template.HTML
	for _, e := range all.Experiments {
		short = append(short, r.language.Say("short."+standingOf(e, effect).key, standingOf(e, effect).with(r.language, e)))
		shown := r.experiment(e, days)
		if !only && !r.shared && shown.Trouble == nil {
			shown.Link = r.link(r.here(askExperiment, e.Name), r.T("experiment.benefits.see"))
		}
		v.Experiments = append(v.Experiments, shown)
	}
	if only {
		if !r.shared {
			v.Experiments[0].Link = r.link(r.here(askExperiment, ""), r.T("experiment.all"))
		}
		if err := v.addBenefits(one, q); err != nil {
			return nil, err
		}
	}
	v.Phrase = join(short[:min(len(short), mostShort)]...)
	v.Caveats = []template.HTML{r.Say("experiments.caveat")}
	return v, nil
}

// mostShort is how many experiments the first sentence speaks of.
const mostShort = 4

// effects are the smallest useful effects that the page offers, in percent.
var effects = []string{"5", "10", "20"}

// effect is the smallest useful effect that was asked for, as a fraction.
func (r *request) effect() float64 {
	percent, err := strconv.ParseFloat(r.address[askEffect], 64)
	if err != nil || !(percent >= 1 && percent <= 100) {
		return insight.DefaultEffect
	}
	return percent / 100
}

func (r *request) effectField() field {
	f := field{Name: askEffect, Label: r.T("filter.effect")}
	for _, percent := range effects {
		x, _ := strconv.ParseFloat(percent, 64) // one of ours
		f.Options = append(f.Options, option{percent, r.language.Percent(x/100, 0), x/100 == r.effect()})
	}
	return f
}

func (r *request) controlField(all report.Experiments) field {
	f, chosen := field{Name: askControl, Label: r.T("filter.control")}, r.address[askControl]
	f.Options = []option{{"", r.T("control.first"), chosen == ""}}
	var names []string
	for _, e := range all.Experiments {
		for _, variant := range e.Variants {
			names = append(names, variant.Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		f.Options = append(f.Options, option{name, name, name == chosen})
	}
	return f
}

// A standing is where an experiment stands, by the variant that says most.
type standing struct {
	key     string
	variant report.Variant
	effect  float64
}

// standingOf is the first of the list whose condition holds.
func standingOf(e report.Experiment, effect float64) standing {
	s := standing{key: "early", effect: effect}
	others := slices.DeleteFunc(slices.Clone(e.Variants), func(v report.Variant) bool { return v.Name == e.Control })
	if len(others) == 0 {
		s.key = "single"
		return s
	}
	s.variant = others[0]
	if e.SRM != nil && e.SRM.Verdict == "broken" {
		s.key, s.variant = "unequal", farthest(e.Variants)
		return s
	}
	for _, v := range others {
		if v.Verdict == insight.VerdictAbove || v.Verdict == insight.VerdictBelow {
			s.key, s.variant = string(v.Verdict), v
			return s
		}
	}
	if !isReady(e.Variants) {
		return s
	}
	s.key = "undecided"
	small := true
	for _, v := range others {
		small = small && v.Interval.Known() && float64(v.Interval.Lower) > -effect && float64(v.Interval.Upper) < effect
	}
	if small {
		s.key = "small"
	}
	return s
}

// isReady says whether all variants have enough visitors for a verdict.
func isReady(variants []report.Variant) bool {
	for _, v := range variants {
		if v.Visitors == nil || *v.Visitors < insight.FewestVisitors || !v.Conversion.Known() ||
			float64(v.Conversion)*float64(*v.Visitors) < insight.FewestClickers {
			return false
		}
	}
	return true
}

// farthest is the variant whose visitors are farthest from an equal part.
func farthest(variants []report.Variant) (far report.Variant) {
	part, distance := equalPart(variants), -1.0
	for _, v := range variants {
		if d := math.Abs(float64(visitorsOf(v)) - part); d > distance {
			far, distance = v, d
		}
	}
	return far
}

func equalPart(variants []report.Variant) float64 {
	sum := uint64(0)
	for _, v := range variants {
		sum += visitorsOf(v)
	}
	return float64(sum) / float64(max(1, len(variants)))
}

func visitorsOf(v report.Variant) uint64 {
	if v.Visitors == nil {
		return 0
	}
	return *v.Visitors
}

// with are the values of the sentences.
func (s standing) with(l *words.Language, e report.Experiment) words.With {
	v := s.variant
	return words.With{
		"name": e.Name, "v": v.Name, "n": l.Whole(visitorsOf(v)), "e": l.Number(equalPart(e.Variants), 0),
		"x": l.Change(float64(v.Lift.Lift), 1), "low": l.Change(float64(v.Interval.Lower), 1), "high": l.Change(float64(v.Interval.Upper), 1),
		"mde": l.Percent(s.effect, 0),
	}
}

// experiment makes what is shown of one.
func (r *request) experiment(e report.Experiment, days []look) experimentView {
	l, s := r.language, standingOf(e, r.effect())
	with := s.with(l, e)
	shown := experimentView{Name: e.Name, Phrase: l.Say("experiments."+s.key, with), Variants: r.variantsTable(e), Facts: r.factsOf(e, s)}
	if s.key == "unequal" {
		shown.Trouble = &note{"bad", r.T("experiment.bad.title"), l.Say("experiment.bad.text", words.With{"p": probability(l, float64(e.SRM.P))})}
		return shown
	}
	if s.key == "single" || !s.variant.Interval.Known() {
		return shown
	}
	shown.ByDay = r.liftByDay(e, s, days)
	if len(e.Variants) > 2 {
		shown.Compared = r.comparedTable(e)
	}
	switch s.key {
	case "undecided", "small":
		shown.Wait = l.Say("experiment.wait."+s.key, with)
	case "above", "below":
		shown.Wait = l.Say("experiment.wait.decided", with)
	}
	return shown
}

func (r *request) variantsTable(e report.Experiment) *table {
	l := r.language
	t := &table{Class: "cards", Caption: r.T("experiment.variants.caption"), Columns: []column{{Name: r.T("col.variant")}, {Class: "n", Name: r.T("col.visitors")},
		{Class: "n", Name: r.T("col.opened.share")}, {Class: "n", Name: r.T("col.per.page")}}}
	for _, v := range e.Variants {
		name := text(v.Name)
		if v.Name == e.Control {
			name += template.HTML(` <span class="inst">(`) + text(r.T("experiment.control")) + ")</span>"
		}
		visitors, share := r.T("few"), ""
		if v.Visitors != nil {
			visitors = l.Whole(*v.Visitors)
			if v.Conversion.Known() {
				share = r.rateInterval(insight.Wilson(uint64(math.Round(float64(v.Conversion)*float64(*v.Visitors))), *v.Visitors))
			}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Class: "who", Header: true, Body: name}, {Class: "n", Label: r.T("col.visitors"), Body: text(visitors)},
			{Class: "n", Label: r.T("col.opened.share"), Body: under(r.rate(v.Conversion), share)}, {Class: "n", Label: r.T("col.per.page"), Body: text(r.number(v.ClicksPerPage, 3))}}})
	}
	return t
}

// factsOf are the draw, those left out, and the conclusion.
func (r *request) factsOf(e report.Experiment, s standing) []fact {
	l := r.language
	split := state("off", r.T("experiment.split.unknown"))
	if e.SRM != nil && (e.SRM.P.Known() || e.SRM.Verdict == "broken") {
		kind, word := "ok", "experiment.split.ok"
		if e.SRM.Verdict == "broken" {
			kind, word = "bad", "experiment.split.bad"
		}
		split = state(kind, r.T(word)) + template.HTML(` <span class="soft small">(`) + text(probability(l, float64(e.SRM.P))) + ")</span>"
	}
	facts := []fact{{r.T("experiment.split"), split}}
	if e.Crossed != nil {
		facts = append(facts, fact{r.T("experiment.crossed"), l.Say("experiment.crossed.text", words.With{"n": l.Whole(*e.Crossed)})})
	}
	kind := map[string]string{"above": "ok", "below": "ok", "small": "ok", "unequal": "bad"}[s.key]
	return append(facts, fact{r.T("experiment.conclusion"), state(cmp.Or(kind, "off"), r.T("verdict.experiment."+s.key))})
}

// comparedTable holds each variant against the control.
func (r *request) comparedTable(e report.Experiment) *table {
	t := &table{Class: "cards", Caption: r.T("experiment.compared.caption"), Columns: []column{{Name: r.T("col.variant")}, {Class: "n", Name: r.T("col.lift")}, {Class: "n", Name: r.T("col.always")}}}
	for _, v := range e.Variants {
		if v.Name == e.Control {
			continue
		}
		t.Rows = append(t.Rows, row{Cells: []cell{{Class: "who", Header: true, Body: text(v.Name)}, {Class: "n", Label: r.T("col.lift"), Body: strong(r.changeOf(v.Lift.Lift))},
			{Class: "n", Label: r.T("col.always"), Body: text(r.changeInterval(v.Interval))}}})
	}
	return t
}

func (r *request) changeOf(n insight.Number) string { return r.language.Change(float64(n), 1) }

func (r *request) changeInterval(i insight.Interval) string {
	if !i.Known() {
		return "–"
	}
	return r.language.Between(r.changeOf(i.Lower), r.changeOf(i.Upper))
}

// mostDays is how many ends of days the lift is computed for at most.
const mostDays = 30

// A look is what was known of all experiments at the end of a day.
type look struct {
	day counters.Day
	all report.Experiments
}

// looks are those at the end of the days of the window, mostDays of them at most.
func (r *request) looks(q report.Query) ([]look, error) {
	var all []look
	step := counters.Day((r.window.days() + mostDays - 1) / mostDays)
	for to := r.window.to - counters.Day(r.window.days()-1)/step*step; to <= r.window.to; to += step {
		if q.To = to; to <= q.From {
			continue
		}
		known, err := r.page.config.Reports.Experiments(r.ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, look{to - 1, known})
	}
	return all, nil
}

// liftByDay draws the lift as it stood at the end of each day; nil if that is not known
// of two.
func (r *request) liftByDay(e report.Experiment, s standing, looks []look) *figure {
	l := r.language
	t := &table{Scroll: r.T("lift.table"), Columns: []column{{Name: r.T("col.day")}, {Class: "n", Name: r.T("col.lift")}, {Class: "n", Name: r.T("col.always")}, {Class: "n", Name: r.T("col.fixed")}}}
	var days []draw.Looked
	var ends []counters.Day
	for _, at := range looks {
		variant, known := variantOf(at.all, e.Name, s.variant.Name)
		if !known || !variant.Interval.Known() {
			continue
		}
		days, ends = append(days, lookedAt(variant)), append(ends, at.day)
		t.Rows = append(t.Rows, row{Cells: []cell{{Header: true, Body: text(l.DayMonth(at.day.Time()))}, {Class: "n", Body: text(r.changeOf(variant.Lift.Lift))},
			{Class: "n", Body: text(r.changeInterval(variant.Interval))}, {Class: "n ci", Body: text(r.changeInterval(variant.IntervalFixed))}}})
	}
	if len(days) < 2 {
		return nil
	}
	last := days[len(days)-1]
	with := words.With{"v": s.variant.Name, "control": e.Control}
	names := draw.Names{ID: "lift-" + strconv.Itoa(experimentNumber(e.Name)), Title: l.Fill("lift.title", with), Description: l.Fill("lift.words", words.With{"low": l.Change(last.Interval.Lower, 1), "high": l.Change(last.Interval.Upper, 1)})}
	below := []draw.Tick{{At: 0, Label: l.ShortDay(ends[0].Time())}, {At: float64(len(days) - 1), Label: l.ShortDay(ends[len(ends)-1].Time())}}
	right := [3]string{l.Change(last.Interval.Lower, 1), l.Change(last.Interval.Middle, 1), l.Change(last.Interval.Upper, 1)}
	return &figure{Title: names.Title, Caption: r.Say("lift.caption"), Summary: r.T("table.see"), Table: t, Picture: draw.Lift(names, days, r.liftTicks(days), below, right)}
}

// experimentNumber is a number for the identifiers of a document.
func experimentNumber(name string) int {
	sum := 0
	for _, b := range []byte(name) {
		sum = (31*sum + int(b)) % 1_000_003
	}
	return sum
}

func variantOf(all report.Experiments, experiment, variant string) (report.Variant, bool) {
	for _, e := range all.Experiments {
		for _, v := range e.Variants {
			if e.Name == experiment && v.Name == variant {
				return v, true
			}
		}
	}
	return report.Variant{}, false
}

func lookedAt(v report.Variant) draw.Looked {
	return draw.Looked{
		Interval: draw.Interval{Lower: float64(v.Interval.Lower), Middle: float64(v.Lift.Lift), Upper: float64(v.Interval.Upper)},
		Narrow:   draw.Interval{Lower: float64(v.IntervalFixed.Lower), Middle: float64(v.Lift.Lift), Upper: float64(v.IntervalFixed.Upper)},
	}
}

// liftTicks are around zero, so that the last intervals fill the picture and the first
// ones, which are wide, are cut.
func (r *request) liftTicks(days []draw.Looked) []draw.Tick {
	widest := 0.1
	for _, d := range days[len(days)/3:] {
		widest = max(widest, math.Abs(d.Interval.Lower), math.Abs(d.Interval.Upper))
	}
	step := 0.1
	for _, candidate := range []float64{0.05, 0.1, 0.2, 0.5, 1, 2, 5} {
		if step = candidate; widest/step <= 4 {
			break
		}
	}
	n := min(4, int(math.Ceil(widest/step)))
	var ticks []draw.Tick
	for i := -n; i <= n; i++ {
		ticks = append(ticks, draw.Tick{At: float64(i) * step, Label: r.language.Change(float64(i)*step, 0)})
	}
	return ticks
}

// findExperiments says where experiments stand.
func (v *todayView) findExperiments() error {
	all, err := v.page.config.Reports.Experiments(v.ctx, v.query())
	if errors.Is(err, report.ErrNoVisitors) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, e := range all.Experiments {
		if i == mostShort {
			break
		}
		s := standingOf(e, insight.DefaultEffect)
		said := v.language.Say("short."+s.key, s.with(v.language, e))
		if !v.shared {
			said = join(said, v.link(v.to("experiments"), v.T("finding.experiment")))
		}
		v.Findings = append(v.Findings, said)
	}
	return nil
}
