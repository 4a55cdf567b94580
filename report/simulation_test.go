package report_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/report"
	"stats-recorder/visitors"
)

// A trial is an experiment of two variants that is looked at every day.
type trial struct {
	// share is how many of the visitors are put into B, lift how much more they click.
	share, lift float64
	visitors    int // a day; 0 for the simulation's
}

// outcome is what the looks at a trial saw.
type outcome struct {
	decided insight.Verdict // the first that was not undecided
	day     int             // of that
	broken  bool            // the sample ratio, at the last look
}

// run lets visitors come day by day, closes each day, and looks at all days so far. The
// visitors differ: some come to many pages, some click much.
func (tr trial) run(t *testing.T, seed uint64) (seen outcome) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	s := newSource()
	s.record(t, hour, map[string]map[string]places{"rsa": {"show": {"1": {"1": 1}}, "showDetails": {"1": {"1": 1}}}})
	show, _ := s.Events.Number([]byte("show"))
	opened, _ := s.Events.Number([]byte("showDetails"))
	config := visitors.Config{
		Limits:   visitors.DefaultLimits(),
		Variants: func(source []byte, visit func(experiment, variant []byte)) { visit([]byte("place"), source) },
	}
	config.Stages[show+1], config.Stages[opened+1] = visitors.Shown, visitors.Opened
	register, err := visitors.NewRegister(s.Words, config)
	if err != nil {
		t.Fatal(err)
	}
	r := report.New(report.Options{Source: s, Visitors: register.Reader(s, func() counters.Day { return 0 })})
	for day := range simulation.days {
		date := hour.Day() + counters.Day(day)
		for range cmp.Or(tr.visitors, simulation.visitors) {
			tr.come(register, random, date, counters.EventType(show+1), counters.EventType(opened+1))
		}
		closeDay(t, s, register, date)
		answer, err := r.Experiments(t.Context(), report.Query{From: hour.Day(), To: date + 1, Plan: report.Plan{Experiment: "place"}})
		if err != nil {
			t.Fatal(err)
		}
		experiment := answer.Experiments[0]
		seen.broken = experiment.SRM.Verdict == "broken"
		if verdict := experiment.Variants[1].Verdict; seen.decided == "" && (verdict == insight.VerdictAbove || verdict == insight.VerdictBelow) {
			seen.decided, seen.day = verdict, day
		}
	}
	return seen
}

func (tr trial) come(register *visitors.Register, random *rand.Rand, date counters.Day, show, opened counters.EventType) {
	variant, rate := "A", 0.25*random.ExpFloat64()
	if random.Float64() < tr.share {
		variant, rate = "B", rate*(1+tr.lift)
	}
	var batch visitors.Batch
	batch.Visit(date, fmt.Append(nil, random.Uint64()), []byte(variant))
	for range 1 + int(2*random.ExpFloat64()) {
		batch.Add(visitors.NewRecord(0, 1, show))
		for clicks := rate; clicks > 0; clicks-- {
			if random.Float64() < clicks {
				batch.Add(visitors.NewRecord(0, 1, opened))
			}
		}
	}
	register.Add(&batch)
}

// closeDay moves a day from the register to the store, as its file would have it.
func closeDay(t *testing.T, s *source, register *visitors.Register, date counters.Day) {
	t.Helper()
	register.Close(date)
	tables := map[counters.Kind]*counters.Table{}
	register.Counts(date, func(kind counters.Kind) *counters.Table {
		tables[kind] = counters.NewTable(1)
		return tables[kind]
	})
	for kind, table := range tables {
		if err := s.Restore(counters.Part{Kind: kind, Day: date}, 0, table.Cells(0, nil)); err != nil {
			t.Fatal(err)
		}
	}
	register.Forget([]counters.Day{date})
}

func TestAnExperimentWithoutEffectIsSeldomDecided(t *testing.T) {
	t.Parallel()
	alarms, broken := 0, 0
	for seed := range uint64(simulation.runs) {
		seen := trial{share: 0.5}.run(t, seed)
		if seen.decided != "" {
			alarms++
		}
		if seen.broken {
			broken++
		}
	}
	t.Logf("%d of %d runs of %d days were decided, %d were called broken", alarms, simulation.runs, simulation.days, broken)
	if limit := simulation.runs / 20; alarms > limit || broken > 1 {
		t.Errorf("%d of %d runs were decided, want at most %d; %d were called broken", alarms, simulation.runs, limit, broken)
	}
}

func TestAnEffectIsFound(t *testing.T) {
	t.Parallel()
	const runs = 5
	found, days := 0, 0
	for seed := range uint64(runs) {
		seen := trial{0.5, simulation.effect, simulation.among}.run(t, 1000+seed)
		if seen.decided == insight.VerdictAbove && !seen.broken {
			found++
			days += seen.day
		}
	}
	t.Logf("%v more clicks were found in %d of %d runs, on day %d on average", simulation.effect, found, runs, days/max(1, found))
	if found < runs {
		t.Errorf("%v more clicks were found in %d of %d runs", simulation.effect, found, runs)
	}
}

func TestABrokenAssignmentIsNoticed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		if seen := (trial{share: 0.58}).run(t, 2000+seed); !seen.broken || seen.decided != "" {
			t.Errorf("seed %d: 58 in 100 are in one of two variants, and it is called broken: %v, decided: %q", seed, seen.broken, seen.decided)
		}
	}
}
