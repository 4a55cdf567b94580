package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
)

// errBadOption is returned for arguments that make no sense.
var errBadOption = errors.New("bad argument")

// options are the settings of a run.
type options struct {
	pages       []int
	runs        int
	experiments int // of each lift; 0 for none
	seed        uint64
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "insight:", err)
		os.Exit(1)
	}
}

// run is the whole program.
func run(arguments []string, output io.Writer) error {
	asked, err := parseOptions(arguments, output)
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "go run ./bench/insight -pages %s -runs %d -experiments %d -seed %d\n",
		joined(asked.pages), asked.runs, asked.experiments, asked.seed)
	var findings []finding
	for _, pages := range asked.pages {
		for i, b := range behaviours() {
			findings = append(findings, asked.find(i, b, pages, asked.worlds(pages)))
		}
	}
	writeAgreement(output, findings)
	writeCoverage(output, findings)
	if asked.experiments > 0 {
		writeExperiments(output, asked.endureAll())
	}
	return nil
}

func parseOptions(arguments []string, output io.Writer) (*options, error) {
	asked := &options{pages: []int{1000, 5000, 30_000}}
	flags := flag.NewFlagSet("insight", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.IntVar(&asked.runs, "runs", 1, "how many times the usual number of worlds, which is 12 of 1000 pages, 6 of 5000, 4 of 30000")
	flags.IntVar(&asked.experiments, "experiments", 100, "how many experiments of each true lift")
	flags.Uint64Var(&asked.seed, "seed", 1, "where all draws begin")
	flags.Func("pages", "comma-separated numbers of pages (default 1000,5000,30000)", func(text string) error {
		asked.pages = nil
		for word := range strings.SplitSeq(text, ",") {
			pages, err := strconv.Atoi(word)
			if err != nil || pages < 1 {
				return fmt.Errorf("%q: want numbers above 0 between commas", text)
			}
			asked.pages = append(asked.pages, pages)
		}
		return nil
	})
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%w: %q is not a flag", errBadOption, flags.Arg(0))
	}
	if asked.runs < 1 || asked.experiments < 0 {
		return nil, fmt.Errorf("%w: -runs %d -experiments %d: want at least 1 and 0", errBadOption, asked.runs, asked.experiments)
	}
	return asked, nil
}

func joined(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}

// worlds is how many are drawn for a number of pages: more of those that say less.
func (o *options) worlds(pages int) int {
	switch {
	case pages < 5000:
		return 12 * o.runs
	case pages < 30_000:
		return 6 * o.runs
	}
	return 4 * o.runs
}

// find draws worlds of one behaviour and judges their analyses. Each world
// has its own seed, so that it is the same whatever else is drawn.
func (o *options) find(number int, b behaviour, pages, worlds int) finding {
	f := finding{behaviour: b, pages: pages, agreement: make([]float64, len(methods()))}
	for n := range worlds {
		random := rand.New(rand.NewPCG(o.seed, uint64(pages)<<32|uint64(number)<<16|uint64(n)))
		f.add(simulate(random, b, pages))
	}
	for i := range f.agreement {
		f.agreement[i] /= float64(worlds)
	}
	return f
}

// endureAll runs experiments of several lifts.
func (o *options) endureAll() []endurance {
	var all []endurance
	for i, lift := range []float64{0, 0.1, 0.2} {
		all = append(all, endure(rand.New(rand.NewPCG(o.seed, uint64(i))), lift, o.experiments))
	}
	return all
}
