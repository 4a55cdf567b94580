package page

import (
	"cmp"
	"slices"
	"strings"

	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// liftScale places lifts, as ratios, from half to twice.
var liftScale = draw.Scale{Low: 0.5, High: 2}

// mostCompared is how many benefits of an experiment are compared: those that were shown
// most, so that none is chosen by its outcome.
const mostCompared = 20

// addBenefits compares the benefits of the one experiment that was asked for.
func (v *experimentsView) addBenefits(e report.Experiment, q report.Query) error {
	q.Plan.Experiment = e.Name
	all, err := v.page.config.Reports.Experiments(v.ctx, q)
	if err != nil || len(all.Experiments) == 0 {
		return err
	}
	s := standingOf(e, v.effect())
	if s.key == "unequal" || s.key == "single" {
		return nil
	}
	v.Experiments[0].Benefits = v.comparedBenefits(all.Experiments[0], s.variant.Name)
	return nil
}

func (r *request) comparedBenefits(e report.Experiment, variant string) *table {
	rows := slices.Clone(e.Benefits)
	slices.SortFunc(rows, func(a, b report.BenefitVariants) int {
		return cmp.Or(cmp.Compare(shownOf(b), shownOf(a)), strings.Compare(a.ID, b.ID))
	})
	rows = rows[:min(len(rows), mostCompared)]
	if len(rows) == 0 {
		return nil
	}
	t := &table{Class: "forest", Caption: r.language.Say("experiment.benefits.caption", words.With{"n": r.language.Number(float64(len(rows)), 0), "v": variant, "control": e.Control}),
		Columns: []column{{Class: "who", Name: r.T("col.benefit")}, {Class: "n", Name: r.T("col.visitors")}, {Class: "n", Name: e.Control}, {Class: "n", Name: variant},
			{Class: "n", Name: r.T("col.lift")}, {Class: "p", Name: r.T("col.lift.picture"), Axis: liftScale.ScaleAxis(r.ratioChanges())}, {Class: "plain", Name: r.T("col.conclusion")}}}
	for _, b := range rows {
		t.Rows = append(t.Rows, r.comparedRow(b, e.Control, variant))
	}
	return t
}

func shownOf(b report.BenefitVariants) (sum uint64) {
	for _, v := range b.Variants {
		if v.Shown != nil {
			sum += *v.Shown
		}
	}
	return sum
}

// ratioChanges are the marks of liftScale.
func (r *request) ratioChanges() []draw.Tick {
	var ticks []draw.Tick
	for _, ratio := range []float64{0.5, 1, 2} {
		ticks = append(ticks, draw.Tick{At: ratio, Label: r.language.Change(ratio-1, 0)})
	}
	return ticks
}

func (r *request) comparedRow(b report.BenefitVariants, control, variant string) row {
	var own, other report.BenefitVariant
	for _, v := range b.Variants {
		switch v.Name {
		case control:
			other = v
		case variant:
			own = v
		}
	}
	if own.Name == "" || other.Name == "" {
		own.Conversion, other.Conversion, own.Lift = unknown, unknown, report.Lift{Lift: unknown, Interval: unknownInterval}
	}
	kind := kindOf(own.Verdict)
	conclusion := state("off", r.T("verdict.experiment.undecided"))
	if kind != "unsure" {
		conclusion = state("ok", r.T("verdict.experiment."+kind))
	}
	cells := []cell{r.benefitCell(b.Identity, ""),
		{Class: "n", Label: r.T("col.visitors"), Body: text(r.language.Whole(shownOf(b)))},
		{Class: "n", Label: control, Body: text(r.rate(other.Conversion))}, {Class: "n", Label: variant, Body: text(r.rate(own.Conversion))},
		{Class: "n key-n", Label: r.T("col.lift"), Body: strong(r.changeOf(own.Lift.Lift), r.changeInterval(own.Interval))}}
	picture := cell{Class: "p"}
	if own.Interval.Known() && own.Lift.Lift.Known() {
		i := draw.Interval{Lower: 1 + float64(own.Interval.Lower), Middle: 1 + float64(own.Lift.Lift), Upper: 1 + float64(own.Interval.Upper)}
		picture.Body = liftScale.Row(i, r.ratioChanges(), 1, kind)
	}
	return row{Cells: append(cells, picture, cell{Class: "vd", Body: conclusion})}
}

// onlyExperiment is the one experiment that was asked for; false for all.
func (r *request) onlyExperiment(all report.Experiments) (report.Experiment, bool) {
	i := slices.IndexFunc(all.Experiments, func(e report.Experiment) bool { return e.Name == r.address[askExperiment] })
	if r.address[askExperiment] == "" || i < 0 {
		return report.Experiment{}, false
	}
	return all.Experiments[i], true
}
