package main

import (
	"fmt"
	"io"
	"strings"

	"stats-recorder/insight"
)

// A finding is the outcome of one behaviour with one number of pages.
type finding struct {
	behaviour behaviour
	pages     int
	agreement []float64 // by method, the mean of runs
	coverage  coverage
}

// add judges one window.
func (f *finding) add(w *window) {
	a := insight.Analyse(w.counts())
	for i, m := range methods() {
		f.agreement[i] += w.agreement(m.scores(w, a))
	}
	f.coverage.add(w, a)
}

// writeAgreement prints how well each method orders benefits.
func writeAgreement(output io.Writer, findings []finding) {
	fmt.Fprintf(output, "\nKendall's τ with the true merit, of the %d most shown of %d benefits:\n\n", judged, benefits)
	fmt.Fprint(output, "| pages | traffic |")
	for _, m := range methods() {
		fmt.Fprintf(output, " %s |", m.name)
	}
	fmt.Fprintf(output, "\n|%s\n", strings.Repeat("---|", 2+len(methods())))
	for _, f := range findings {
		fmt.Fprintf(output, "| %d | %s |", f.pages, f.behaviour.name)
		for _, tau := range f.agreement {
			fmt.Fprintf(output, " %.2f |", tau)
		}
		fmt.Fprintln(output)
	}
}

// writeCoverage prints what of the analyses holds.
func writeCoverage(output io.Writer, findings []finding) {
	fmt.Fprint(output, "\nIntervals of 95 %, of all benefits that were compared:\n\n")
	fmt.Fprintln(output, "| pages | traffic | runs | identified | benefits | merit inside | COEC's interval | rank inside | all ranks of a run | decided | wrong side | φ |")
	fmt.Fprintf(output, "|%s\n", strings.Repeat("---|", 12))
	for _, f := range findings {
		c := f.coverage
		fmt.Fprintf(output, "| %d | %s | %d | %d | %d | %.3f | %.2f | %.3f | %.2f | %.2f | %.4f | %.2f |\n",
			f.pages, f.behaviour.name, c.runs, c.identified, c.benefits,
			share(c.inside, c.benefits), share(c.insideCOEC, c.benefits), share(c.ranks, c.benefits),
			share(c.allRanks, c.identified), share(c.decided, c.benefits), share(c.wrong, c.benefits),
			c.dispersion/float64(max(1, c.identified)))
	}
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// writeExperiments prints how often experiments were decided.
func writeExperiments(output io.Writer, all []endurance) {
	fmt.Fprintf(output, "\nExperiments of %d days with %d visitors a day in each of two variants, looked at every day:\n\n", experimentDays, visitorsADay)
	fmt.Fprintln(output, "| true lift | experiments | decided by fixed interval | by always-valid interval | median day | width to fixed |")
	fmt.Fprintf(output, "|%s\n", strings.Repeat("---|", 6))
	for _, e := range all {
		day := "–"
		if e.medianDay() > 0 {
			day = fmt.Sprint(e.medianDay())
		}
		fmt.Fprintf(output, "| %+.0f %% | %d | %.3f | %.3f | %s | %.2f |\n",
			100*e.lift, e.experiments, share(e.fixed, e.experiments), share(len(e.valid), e.experiments), day, e.ratio)
	}
}
