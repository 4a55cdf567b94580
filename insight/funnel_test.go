package insight_test

import (
	"testing"

	"stats-recorder/insight"
)

func TestRecordsOfAFunnelAreNeverCut(t *testing.T) {
	t.Parallel()
	have := insight.NewRecordFunnel(100, 150, 30)
	if have.OpenRate != 1.5 || have.ActRate != 0.2 {
		t.Errorf("the funnel is %+v, want rates of 1.5 and 0.2", have)
	}
	empty := insight.NewRecordFunnel(0, 5, 0)
	if empty.OpenRate.Known() || empty.ActRate != 0 {
		t.Errorf("the funnel without shows is %+v", empty)
	}
}

func TestVisitorsOfAFunnelReachAStageByThoseBeforeIt(t *testing.T) {
	t.Parallel()
	set := func(stages ...insight.Stage) (s insight.StageSet) {
		for _, stage := range stages {
			s = s.With(stage)
		}
		return s
	}
	const shown, opened, acted = insight.StageShown, insight.StageOpened, insight.StageActed
	var visitors [insight.StageSets]uint64
	visitors[set()] = 1000
	visitors[set(shown)] = 50
	visitors[set(shown, opened)] = 30
	visitors[set(shown, opened, acted)] = 20
	visitors[set(shown, acted)] = 5
	visitors[set(opened)] = 3
	visitors[set(opened, acted)] = 2
	visitors[set(acted)] = 1
	have := insight.NewVisitorFunnel(visitors)
	for _, c := range []struct {
		name     string
		step     insight.Step
		from, to uint64
	}{{"open", have.Open, 105, 50}, {"act", have.Act, 50, 20}, {"no opening", have.NoOpening, 105, 55}} {
		want := insight.Number(float64(c.to) / float64(c.from))
		if c.step.From != c.from || c.step.To != c.to || c.step.Rate != want || c.step.Interval != insight.Wilson(c.to, c.from) {
			t.Errorf("%s is %+v, want %d of %d", c.name, c.step, c.to, c.from)
		}
	}
	if have.Aside != 11 {
		t.Errorf("%d visitors are aside, want 11", have.Aside)
	}
	if nobody := insight.NewVisitorFunnel([insight.StageSets]uint64{}); nobody.Open.Rate.Known() || nobody.Act.Interval.Known() {
		t.Errorf("nobody has a rate: %+v", nobody)
	}
	if set(shown).With(insight.NoStage) != set(shown) || set(shown).Has(insight.NoStage) {
		t.Error("no stage is a stage")
	}
}
