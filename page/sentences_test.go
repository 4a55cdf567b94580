package page

import (
	"flag"
	"fmt"
	"html/template"
	"os"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

var update = flag.Bool("update", false, "write the sentences that are said as those that are wanted")

const hostile = `<script>"x"</script> {n} **1re**`

// thursday is the weekday of the facts, period their window.
var thursday = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

func period(l *words.Language) string {
	return window{from: counters.HourOf(thursday).Day() - 28, to: counters.HourOf(thursday).Day()}.dates(l)
}

// A saying is a sentence with the condition under which it is said.
type saying struct {
	when string
	say  func(*words.Language) template.HTML
}

func benefitsSayings() (all []saying) {
	f := benefitsFacts{shown: 62, pages: 26400, opened: true, identified: true, above: 12, below: 9, undecided: 41, under: 2}
	change := func(when string, with func(*benefitsFacts)) {
		changed := f
		with(&changed)
		all = append(all, saying{"benefits: " + when, func(l *words.Language) template.HTML { changed.period = period(l); return changed.sentence(l) }})
	}
	change("ordinary", func(f *benefitsFacts) {})
	change("one above, one low", func(f *benefitsFacts) { f.above, f.under = 1, 1 })
	change("none above", func(f *benefitsFacts) { f.above, f.under = 0, 0 })
	change("all decided", func(f *benefitsFacts) { f.undecided, f.under = 0, 0 })
	change("no verdict", func(f *benefitsFacts) { f.above, f.below, f.undecided, f.under = 0, 0, 62, 0 })
	change("few pages", func(f *benefitsFacts) { f.pages = 412 })
	change("not identified", func(f *benefitsFacts) { f.identified = false })
	change("nothing opened", func(f *benefitsFacts) { f.opened = false })
	change("nothing shown", func(f *benefitsFacts) { f.shown = 0 })
	change("nothing in the group", func(f *benefitsFacts) { f.shown, f.group = 0, hostile })
	change("nothing found", func(f *benefitsFacts) { f.shown, f.search = 0, hostile })
	change("some apart", func(f *benefitsFacts) { f.apart = 3 })
	change("of a group", func(f *benefitsFacts) { f.group = "Caf" })
	return all
}

func positionsSayings() (all []saying) {
	f := positionsFacts{pages: 26400, identified: true, second: 0.61, fifth: 0.33, interval: insight.Interval{Lower: 0.3, Upper: 0.36}}
	change := func(when string, with func(*positionsFacts)) {
		changed := f
		with(&changed)
		all = append(all, saying{"positions: " + when, func(l *words.Language) template.HTML { changed.period = period(l); return changed.sentence(l) }})
	}
	change("certain", func(f *positionsFacts) {})
	change("certain, flat end", func(f *positionsFacts) { f.flat = 10 })
	change("the second as good as the first", func(f *positionsFacts) { f.second = 1.02 })
	change("unclear", func(f *positionsFacts) { f.fifth, f.interval = 0.9, insight.Interval{Lower: 0.6, Upper: 1.3} })
	change("the fifth is better", func(f *positionsFacts) { f.fifth, f.interval = 1.6, insight.Interval{Lower: 1.3, Upper: 2} })
	change("short pages", func(f *positionsFacts) { f.fifth = insight.Unknown() })
	change("not identified", func(f *positionsFacts) { f.identified = false })
	change("nothing", func(f *positionsFacts) { f.pages = 0 })
	return all
}

func benefitSayings() (all []saying) {
	row := report.Benefit{Shows: 6455, Clicks: 476, Expected: 249, Merit: 1.91, MeritInterval: insight.Interval{Lower: 1.7, Upper: 2.14}, Verdict: insight.VerdictAbove, UnderExposed: true}
	f := benefitFacts{row: row, stage: insight.StageOpened, median: 14}
	change := func(when string, with func(*benefitFacts)) {
		changed := f
		with(&changed)
		all = append(all, saying{"benefit: " + when, func(l *words.Language) template.HTML { changed.period = period(l); return changed.sentence(l) }})
	}
	change("above and low", func(f *benefitFacts) {})
	change("above, acted", func(f *benefitFacts) { f.stage, f.row.UnderExposed = insight.StageActed, false })
	change("below", func(f *benefitFacts) {
		f.row.Verdict, f.row.Merit, f.row.MeritInterval, f.row.UnderExposed = insight.VerdictBelow, 0.43, insight.Interval{Lower: 0.38, Upper: 0.49}, false
	})
	change("below, from nothing on", func(f *benefitFacts) {
		f.row.Verdict, f.row.Merit, f.row.MeritInterval, f.row.UnderExposed = insight.VerdictBelow, 0.1, insight.Interval{Lower: 0, Upper: 0.4}, false
	})
	change("undecided", func(f *benefitFacts) {
		f.row.Verdict, f.row.Merit, f.row.MeritInterval, f.row.UnderExposed = insight.VerdictUndecided, 1.2, insight.Interval{Lower: 0.8, Upper: 1.9}, false
	})
	change("more of late", func(f *benefitFacts) {
		f.change = &weeksChange{since: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), ratio: 1.27}
	})
	change("less of late", func(f *benefitFacts) {
		f.change = &weeksChange{since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), ratio: 0.7}
	})
	change("never opened", func(f *benefitFacts) { f.row.Clicks = 0 })
	change("not compared", func(f *benefitFacts) { f.row.Merit = insight.Unknown() })
	change("never shown", func(f *benefitFacts) { f.row.Shows = 0 })
	return all
}

func funnelSayings() (all []saying) {
	f := funnelFacts{visitors: true, shown: 19749, opened: 11000, acted: 5805, sampled: 1}
	change := func(when string, with func(*funnelFacts)) {
		changed := f
		with(&changed)
		all = append(all, saying{"funnel: " + when, func(l *words.Language) template.HTML { changed.period = period(l); return changed.sentence(l) }})
	}
	change("ordinary", func(f *funnelFacts) {})
	change("lost later", func(f *funnelFacts) { f.opened = 18000 })
	change("losses alike", func(f *funnelFacts) { f.opened, f.acted = 12000, 4251 })
	change("sampled", func(f *funnelFacts) { f.sampled = 4 })
	change("few", func(f *funnelFacts) { f.shown, f.opened, f.acted = 42, 20, 3 })
	change("nobody", func(f *funnelFacts) { f.shown, f.opened, f.acted = 0, 0, 0 })
	change("records", func(f *funnelFacts) { f.visitors, f.shown = false, 190000 })
	change("no records", func(f *funnelFacts) { f.visitors, f.shown = false, 0 })
	return all
}

func todaySayings() (all []saying) {
	f := todayFacts{shown: 5432, usual: usual{4600, 5124, 6100, 8}, gap: time.Minute, hourly: 900}
	change := func(when string, with func(*todayFacts)) {
		changed := f
		with(&changed)
		all = append(all, saying{"today: " + when, func(l *words.Language) template.HTML {
			changed.weekday = l.Weekday(thursday)
			return changed.sentence(l)
		}})
	}
	change("within", func(f *todayFacts) {})
	change("within, the same", func(f *todayFacts) { f.shown = 5150 })
	change("below", func(f *todayFacts) { f.shown = 3400 })
	change("above", func(f *todayFacts) { f.shown = 9000 })
	change("refused", func(f *todayFacts) { f.refused, f.gap = true, 3*time.Hour })
	change("silent", func(f *todayFacts) { f.gap = 3*time.Hour + 12*time.Minute })
	change("few weeks", func(f *todayFacts) { f.usual.days = 3 })
	change("few weeks, one show", func(f *todayFacts) { f.usual.days, f.shown = 3, 1 })
	yesterday := func(shown float64, days int) func(*words.Language) template.HTML {
		return func(l *words.Language) template.HTML {
			return yesterdaySentence(l, l.Weekday(thursday.AddDate(0, 0, -1)), shown, usual{13498, 15700, 19161, days})
		}
	}
	return append(all, saying{"yesterday: a drop", yesterday(10041, 8)}, saying{"yesterday: usual", yesterday(15000, 8)}, saying{"yesterday: not known", yesterday(15000, 3)})
}

func experimentsSayings() (all []saying) {
	n := func(n uint64) *uint64 { return &n }
	control := report.Variant{Name: "distinctes", Visitors: n(12031), Conversion: 0.548, ClicksPerPage: 0.824}
	variant := report.Variant{Name: hostile, Visitors: n(11987), Conversion: 0.559, ClicksPerPage: 0.859,
		Lift: report.Lift{Lift: 0.042, Interval: insight.Interval{Lower: -0.016, Upper: 0.104}, Verdict: insight.VerdictUndecided}}
	of := func(when string, change func(e *report.Experiment, v *report.Variant)) {
		v := variant
		e := report.Experiment{Name: "aides_bafa", Control: control.Name, SRM: &report.SampleRatio{P: 0.78, Verdict: "ok"}}
		change(&e, &v)
		e.Variants = append([]report.Variant{control}, append(e.Variants, v)...)
		if v.Name == control.Name {
			e.Variants = e.Variants[:1]
		}
		say := func(l *words.Language) template.HTML {
			s := standingOf(e, insight.DefaultEffect)
			return l.Say("short."+s.key, s.with(l, e)) + " — " + l.Say("experiments."+s.key, s.with(l, e))
		}
		all = append(all, saying{"experiments: " + when, say})
	}
	of("undecided", func(*report.Experiment, *report.Variant) {})
	of("above", func(_ *report.Experiment, v *report.Variant) {
		v.Verdict, v.Lift.Lift, v.Interval = insight.VerdictAbove, 0.091, insight.Interval{Lower: 0.02, Upper: 0.167}
	})
	of("below", func(_ *report.Experiment, v *report.Variant) {
		v.Verdict, v.Lift.Lift, v.Interval = insight.VerdictBelow, -0.091, insight.Interval{Lower: -0.167, Upper: -0.02}
	})
	of("small for sure", func(_ *report.Experiment, v *report.Variant) {
		v.Interval = insight.Interval{Lower: -0.02, Upper: 0.08}
	})
	of("unequal", func(e *report.Experiment, v *report.Variant) { e.SRM.Verdict, v.Visitors = "broken", n(9000) })
	of("early", func(_ *report.Experiment, v *report.Variant) { v.Visitors = n(40) })
	of("early, few", func(_ *report.Experiment, v *report.Variant) {
		*v = report.Variant{Name: "x", Few: true, Conversion: insight.Unknown()}
	})
	of("single", func(_ *report.Experiment, v *report.Variant) { v.Name = control.Name })
	return all
}

func qualitySayings() (all []saying) {
	of := func(when string, checks ...check) {
		all = append(all, saying{"quality: " + when, func(l *words.Language) template.HTML { return qualitySentence(l, checks, period(l)) }})
	}
	good, watched, bad := check{key: "balance", state: "ok"}, check{key: "orphans", state: "warn"}, check{key: "identified", state: "bad"}
	of("good", good, good)
	of("one to watch", good, watched)
	of("two to watch", good, watched, watched)
	of("bad", good, watched, bad)
	of("nothing")
	return all
}

func TestSentencesAreSaidAsWanted(t *testing.T) {
	t.Parallel()
	const path = "testdata/sentences.txt"
	var out strings.Builder
	for _, sayings := range [][]saying{todaySayings(), benefitsSayings(), positionsSayings(), benefitSayings(), funnelSayings(), experimentsSayings(), qualitySayings()} {
		for _, s := range sayings {
			fmt.Fprintf(&out, "# %s\nfr: %s\nen: %s\n\n", s.when, s.say(words.French), s.say(words.English))
		}
	}
	got := out.String()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("sentences are said otherwise; read them, then: go test ./page -update\n%s", got)
	}
	if strings.Contains(got, "<script") || strings.Contains(got, "NaN") || strings.Contains(got, "<nil>") {
		t.Error("a sentence shows what it must not")
	}
}

// TestABrokenDrawIsSaidWhereItsProbabilityIsNot has a variant of few visitors, whose number would
// follow from the probability.
func TestABrokenDrawIsSaidWhereItsProbabilityIsNot(t *testing.T) {
	t.Parallel()
	for _, l := range []*words.Language{words.French, words.English} {
		r, e := &request{language: l}, report.Experiment{SRM: &report.SampleRatio{P: insight.Unknown(), Verdict: "broken"}}
		split := string(r.factsOf(e, standing{key: "unequal"})[0].Text)
		if want := "p &lt; " + l.Number(0.001, 3); !strings.Contains(split, want) || !strings.Contains(split, r.T("experiment.split.bad")) {
			t.Errorf("%s: %q, want %q in it", l.Tag, split, want)
		}
	}
}
