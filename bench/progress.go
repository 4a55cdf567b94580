package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a run is: a bar on a terminal, a line per step else.
type progress struct {
	output io.Writer
	bar    *progressbar.ProgressBar // nil unless on a terminal
	steps  int
	done   int
}

// newProgress shows the progress of a number of steps on a file.
func newProgress(output *os.File, steps int) *progress {
	shown := &progress{output: output, steps: steps}
	if term.IsTerminal(int(output.Fd())) {
		shown.bar = progressbar.NewOptions(steps,
			progressbar.OptionSetWriter(output),
			progressbar.OptionSetWidth(20),
			progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionShowDescriptionAtLineEnd(),
		)
	}
	return shown
}

// step tells what begins now.
func (p *progress) step(description string) {
	p.done++
	if p.bar == nil {
		fmt.Fprintf(p.output, "[%d/%d] %s\n", p.done, p.steps, description)
		return
	}
	p.bar.Describe(description)
	_ = p.bar.Set(p.done - 1) // a display that fails is no reason to stop
}

// finish removes the bar.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
