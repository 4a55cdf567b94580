package report

import (
	"errors"
	"fmt"

	"stats-recorder/insight"
	"stats-recorder/visitors"
)

// errSeveral is why there is no way of visitors: who met two benefits of a group is one
// visitor, and counted with each.
var errSeveral = errors.New("visitors of several benefits cannot be added up: ask for one benefit or for all")

// addVisitors adds the way of the visitors of a funnel's window. They are of all versions
// of records together.
func (r *Reporter) addVisitors(funnel *Funnel, q Query) error {
	from, to, window, err := r.visitorDays(q)
	if errors.Is(err, ErrNoVisitors) {
		funnel.VisitorsMissing = Text(err.Error())
		return nil
	}
	sums, err := r.visitors.Sums(from, to)
	if err != nil {
		return fmt.Errorf("read visitors: %w", err)
	}
	names, byID := r.source.BenefitNames(), map[string]*VisitorFunnel{}
	for _, b := range sums.Benefits {
		if int(b.Benefit) < len(names) {
			byID[names[b.Benefit]] = visitorFunnel(b.ByStages)
		}
	}
	for i := range funnel.Benefits {
		funnel.Benefits[i].Visitors = byID[funnel.Benefits[i].ID]
	}
	switch {
	case q.Benefit != "":
		funnel.Visitors = byID[q.Benefit]
	case q.Group != "":
		funnel.VisitorsMissing = Text(errSeveral.Error())
	default:
		funnel.Visitors = visitorFunnel(sums.All.ByStages)
	}
	if window.Cut {
		funnel.VisitorsMissing = Text("visitors before " + from.String() + " are not kept")
	}
	return nil
}

// visitorFunnel leaves out the groups of few visitors, and those of all but few: who opened,
// and who of those that were shown something did not. Nor are those told who acted where
// they are all but few of those who were shown something: who opened is between them.
func visitorFunnel(byStages [visitors.StageSets]uint64) *VisitorFunnel {
	way := insight.NewVisitorFunnel(byStages)
	made := &VisitorFunnel{
		OpenRate: insight.Unknown(), OpenInterval: insight.UnknownInterval(), ActRate: insight.Unknown(), ActInterval: insight.UnknownInterval(),
	}
	shown, opened, acted := way.Open.From, way.Open.To, way.Act.To
	fewOpened, fewActed := hidden(shown, opened, shown-opened), hidden(opened, acted, opened-acted, shown-acted)
	made.Shown, _ = told(shown, shown)
	if !fewOpened {
		made.Opened, made.OpenRate, made.OpenInterval = &opened, way.Open.Rate, way.Open.Interval
	}
	if !fewActed {
		made.Acted = &acted
	}
	if !fewOpened && !fewActed { // the rate says how many opened
		made.ActRate, made.ActInterval = way.Act.Rate, way.Act.Interval
	}
	made.Few = fewOpened || fewActed
	return made
}
