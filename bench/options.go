package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errBadOption is returned for arguments that make no sense; the message names
// the flag.
var errBadOption = errors.New("bad argument")

// options is what a run was asked for. They do not change after parsing.
type options struct {
	// What is sent.
	batches     []int // 0 is whole pages
	connections []int
	pipelines   []int
	counters    []int // 0 lets them arise
	readers     []int
	read        string    // the path that readers ask for
	posts       []int     // on a connection; 0 keeps it
	reads       []float64 // percent of the requests
	strangers   []bool    // a visitor for each record
	benefits    int
	zipf        float64
	rate        float64 // requests per second; 0 is a closed loop
	peakShare   float64 // the same as a share of what a closed loop reaches; 0 is none
	version     int
	seed        uint64

	// What it is sent to.
	targets      []laneKind
	durabilities []string
	settings     []string // NAME=VALUE; "" is none
	encrypted    bool
	rival        string
	url          string

	// How it is measured.
	rounds   int
	duration time.Duration
	warmup   time.Duration
	smoke    bool
	full     bool
	growth   []string // what grows; none unless asked for
	restart  bool
	custom   bool // the load was described by flags: no standard matrix

	compared  string
	from      string // results to write again instead of measuring
	document  string
	output    string
	directory string
}

// largestVersion is the largest version a record may have.
const largestVersion = 65535

// mostReads is the largest share of reads, in percent: more would measure reading.
const mostReads = 50

// fastestRate is one request in a nanosecond, which is what the pacer counts in.
const fastestRate = 1e9

// parseOptions reads the command line. It returns flag.ErrHelp, having printed
// the usage, when that was asked for.
func parseOptions(arguments []string, output io.Writer) (*options, error) {
	parsed := &options{
		batches: []int{0}, connections: []int{256}, pipelines: []int{1}, counters: []int{0}, readers: []int{0},
		posts: []int{0}, reads: []float64{0}, strangers: []bool{false},
		durabilities: []string{defaultDurability},
		settings:     []string{""},
		targets:      []laneKind{serverLane, rivalLane, urlLane, ceilingLane, redisLane},
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.Usage = func() { printUsage(output, flags) }
	parsed.defineLoad(flags)
	parsed.defineMeasurement(flags)
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%w: %q is not a flag", errBadOption, flags.Arg(0))
	}
	given := map[string]bool{}
	flags.Visit(func(one *flag.Flag) { given[one.Name] = true })
	for _, name := range []string{"batch", "connections", "pipeline", "posts", "reads", "visitors", "counters", "readers", "durability", "setting", "tls", "rate"} {
		parsed.custom = parsed.custom || given[name]
	}
	if parsed.smoke {
		parsed.shorten(given)
	}
	if (parsed.full || parsed.smoke) && !given["targets"] {
		parsed.targets = laneKinds()
	}
	return parsed, parsed.validate()
}

// defineLoad defines the flags that say what is sent, and to what.
func (o *options) defineLoad(flags *flag.FlagSet) {
	flags.Func("batch", "records in a request, or \"page\" for whole pages of 1 to 60 and clicks on\nthem; `list` (default page)",
		func(text string) error { return parseList(text, &o.batches, parseBatch) })
	flags.Func("connections", "concurrent connections; `list` (default 256)",
		func(text string) error { return parseList(text, &o.connections, strconv.Atoi) })
	flags.Func("pipeline", "requests in flight on a connection; `list` (default 1)",
		func(text string) error { return parseList(text, &o.pipelines, strconv.Atoi) })
	flags.Func("posts", "posts on a connection before the client closes it and opens another, as browsers\ndo; 0 keeps it open; `list` (default 0)",
		func(text string) error { return parseList(text, &o.posts, strconv.Atoi) })
	flags.Func("reads", "how many `percent` of the requests are reads of a window without records, on the\nsame connections; list (default 0)",
		func(text string) error { return parseList(text, &o.reads, parsePercent) })
	flags.Func("visitors", "whom a visitor is for: each page, as on a site, or each record; `list` (default page)",
		func(text string) error { return parseList(text, &o.strangers, parseVisitors) })
	flags.Func("counters", "distinct counters that the records are spread over evenly, across benefits,\nevent types and positions; all exist before measuring begins. 0 lets them arise\nas they do on a site; `list` (default 0)",
		func(text string) error { return parseList(text, &o.counters, strconv.Atoi) })
	flags.Func("readers", "how many read without pause while the server is measured, see -read; `list`\n(default 0)",
		func(text string) error { return parseList(text, &o.readers, strconv.Atoi) })
	flags.StringVar(&o.read, "read", "/statistics", "what readers ask for: `path`, such as /insight/benefits?start_at=2026-01-01")
	flags.Func("durability", "what the server's acknowledgement means: always, everysec or snapshot; `list`\n(default always)",
		func(text string) error { return parseList(text, &o.durabilities, asIs) })
	flags.Func("setting", "a setting of the server, such as VISITORS=off, or none; `list` (default none)",
		func(text string) error { return parseList(text, &o.settings, parseSetting) })
	flags.BoolVar(&o.encrypted, "tls", false, "speak TLS, with a certificate that is made for the run")
	flags.Func("rate", "requests per second, sent when due whether or not earlier ones are answered (an\nopen loop); latency counts from when a request was due. As `requests` also a share,\nsuch as 50%, of what the first target takes in a closed loop, which is then measured\nbefore. 0 sends as fast as answers come (a closed loop) (default 0)",
		func(text string) error { return o.parseRate(text) })
	flags.IntVar(&o.benefits, "benefits", 600, "`number` of distinct benefits")
	flags.Float64Var(&o.zipf, "zipf", 1, "`exponent` of the benefits' popularity; 0 makes all equally popular")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the workload: the same `number` sends the same bytes")
	flags.IntVar(&o.version, "version", 2, "the records' version field; statistics are read back for this `number`")
	flags.StringVar(&o.url, "url", "", "measure a server that runs already at this `address`, beside the others. Its\ncounts so far are read first, and nobody else may send to it meanwhile")
	flags.StringVar(&o.rival, "rival", "", "measure another build of the server beside this one: `path` of its program")
	flags.Func("targets", "what to measure: server, rival, url, ceiling, redis, redis-always; `list` (default all that\nthere are but redis-always, which -full adds)",
		func(text string) error { return parseList(text, &o.targets, parseKind) })
}

// defineMeasurement defines the flags that say how it is measured.
func (o *options) defineMeasurement(flags *flag.FlagSet) {
	flags.IntVar(&o.rounds, "rounds", 5, "`number` of times that each target has its turn; figures are medians of them")
	flags.DurationVar(&o.duration, "duration", 800*time.Millisecond, "`length` of a round")
	flags.DurationVar(&o.warmup, "warmup", 800*time.Millisecond, "`length` of the load before the first round")
	flags.BoolVar(&o.full, "full", false, "the standard matrix, with Redis that syncs, few connections, connections of 1, 2 and\n3 posts, and TLS; six minutes")
	flags.Func("growth", "how costs grow with one thing at a time: connections, counters, benefits, days, or all;\n`list`. With nothing else but -full, that is all there is; six minutes",
		func(text string) error { return o.parseGrowth(text) })
	flags.BoolVar(&o.smoke, "smoke", false, "do everything once, in a few seconds, to see that it works")
	flags.BoolVar(&o.restart, "restart", false, "afterwards stop each server, start it again on its data, and compare its counts\nonce more")
	flags.StringVar(&o.compared, "compare", "", "print processor time and rates beside those of an earlier run: `path` of its JSON")
	flags.StringVar(&o.from, "from", "", "measure nothing, but write the results of an earlier run again: `path` of its JSON")
	flags.StringVar(&o.document, "document", "", "write the results into a document, between the marks for them: `path`")
	flags.StringVar(&o.output, "out", "bench-results", "`directory` for the results")
	flags.StringVar(&o.directory, "data", "", "`directory` under which the servers' temporary data directories are made\n(default the system's); should be on the kind of disk you mean to use")
}

// shorten makes a run a smoke test, where it was not told otherwise: everything
// there is, but briefly.
func (o *options) shorten(given map[string]bool) {
	o.restart = true
	if !given["rounds"] {
		o.rounds = 2
	}
	if !given["duration"] {
		o.duration = 200 * time.Millisecond
	}
	if !given["warmup"] {
		o.warmup = 100 * time.Millisecond
	}
}

// validate refuses what cannot be measured.
func (o *options) validate() error {
	for _, check := range []struct {
		bad bool
		why string
	}{
		{slices.Min(o.batches) < 0 || slices.Max(o.batches) > longestPage, "-batch must be page or 1 to 1000"},
		{slices.Min(o.connections) < 1, "-connections must be at least 1"},
		{slices.Min(o.pipelines) < 1, "-pipeline must be at least 1"},
		{slices.Min(o.posts) < 0, "-posts must not be negative"},
		{slices.Max(o.posts) > 0 && slices.Max(o.pipelines) > 1, "-posts has connections without -pipeline"},
		{slices.Min(o.reads) < 0 || slices.Max(o.reads) > mostReads, "-reads must be 0 to 50 percent"},
		{slices.Max(o.reads) > 0 && slices.Max(o.pipelines) > 1, "-reads has connections without -pipeline"},
		{slices.Min(o.counters) < 0, "-counters must not be negative"},
		{slices.Min(o.readers) < 0, "-readers must not be negative"},
		{o.benefits < 1, "-benefits must be at least 1"},
		{o.zipf < 0, "-zipf must not be negative"},
		{math.IsNaN(o.rate) || o.rate < 0 || o.rate > fastestRate, "-rate must be 0 to 1000000000 requests per second"},
		{math.IsNaN(o.peakShare) || o.peakShare < 0 || o.peakShare > 1, "-rate must be 0% to 100% of the peak"},
		{o.version < 0 || o.version > largestVersion, "-version must be 0 to 65535"},
		{o.rounds < 1, "-rounds must be at least 1"},
		{o.duration <= 0, "-duration must be above 0"},
		{o.warmup < 0, "-warmup must not be negative"},
	} {
		if check.bad {
			return fmt.Errorf("%w: %s", errBadOption, check.why)
		}
	}
	for _, durability := range o.durabilities {
		if !slices.Contains([]string{"always", "everysec", "snapshot"}, durability) {
			return fmt.Errorf("%w: -durability %q is none of always, everysec, snapshot", errBadOption, durability)
		}
	}
	return nil
}

// parseRate reads requests per second, or a share in percent.
func (o *options) parseRate(text string) (err error) {
	o.rate, o.peakShare = 0, 0
	if percent, isShare := strings.CutSuffix(text, "%"); isShare {
		o.peakShare, err = strconv.ParseFloat(percent, 64)
		o.peakShare /= 100
		return err
	}
	o.rate, err = strconv.ParseFloat(text, 64)
	return err
}

// parseList reads values that are separated by commas.
func parseList[T any](text string, into *[]T, parse func(string) (T, error)) error {
	*into = nil
	for _, part := range strings.Split(text, ",") {
		value, err := parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*into = append(*into, value)
	}
	return nil
}

func parseBatch(text string) (int, error) {
	if text == "page" {
		return 0, nil
	}
	return strconv.Atoi(text)
}

func parseVisitors(text string) (strangers bool, err error) {
	switch text {
	case "page":
		return false, nil
	case "record":
		return true, nil
	}
	return false, fmt.Errorf("%q: want page or record", text)
}

// parseGrowth reads what is to grow.
func (o *options) parseGrowth(text string) error {
	var all []string
	for _, one := range o.allGrowths() {
		all = append(all, one.of)
	}
	if text == "all" {
		o.growth = all
		return nil
	}
	return parseList(text, &o.growth, func(name string) (string, error) {
		if !slices.Contains(all, name) {
			return "", fmt.Errorf("%q: want %s, or all", name, strings.Join(all, ", "))
		}
		return name, nil
	})
}

func parsePercent(text string) (float64, error) {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err == nil && math.IsNaN(percent) {
		err = fmt.Errorf("%q is not a number", text)
	}
	return percent, err
}

func parseKind(text string) (laneKind, error) {
	kind := laneKind(text)
	if !slices.Contains(laneKinds(), kind) {
		return "", fmt.Errorf("no target is called %q", text)
	}
	return kind, nil
}

// parseSetting reads NAME=VALUE, or none.
func parseSetting(text string) (string, error) {
	if text == "none" {
		return "", nil
	}
	if name, _, ok := strings.Cut(text, "="); !ok || name == "" {
		return "", fmt.Errorf("%q is no setting: want NAME=VALUE or none", text)
	}
	return text, nil
}

func asIs(text string) (string, error) { return text, nil }
