package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stats-recorder/harness"
)

// mostOthers is beside how many others a node is measured.
const mostOthers = 3

// A plan says how it is measured.
type plan struct {
	rounds      int
	length      time.Duration
	connections int
}

// A lab is a log and what runs beside it.
type lab struct {
	plan
	directory, recorder string
	servers             []*harness.Process
	urls                []string
	others              []*harness.Server
	made                int // directories
}

// measure prints what a record costs alone, and with 0 to mostOthers others, as the median
// of rounds in which all have their turn.
func measure(ctx context.Context, p plan, output io.Writer) (err error) {
	l := &lab{plan: p}
	if l.directory, err = os.MkdirTemp("", "bench-nodes-"); err != nil {
		return err
	}
	defer os.RemoveAll(l.directory)
	if l.recorder, err = harness.Build(ctx, harness.BuildSettings{Directory: l.directory}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.end()) }()
	if err := l.startLog(ctx); err != nil {
		return err
	}
	for _, traffic := range traffics() {
		alone, with, err := l.rounds(ctx, traffic.posts())
		if err != nil {
			return fmt.Errorf("%s: %w", traffic.name, err)
		}
		fmt.Fprintf(output, "%s: a record costs %.0f ns alone (%.0f to %.0f)\n", traffic.name, median(alone), slices.Min(alone), slices.Max(alone))
		for others, ratios := range with {
			fmt.Fprintf(output, "%s: with ROLE=ingest and %d others %.3f times that (%.3f to %.3f)\n",
				traffic.name, others, median(ratios), slices.Min(ratios), slices.Max(ratios))
		}
	}
	return nil
}

// rounds are, of each round, nanoseconds of a record alone, and the ratios to that with each
// number of others. What is alone is measured before and after the rest.
func (l *lab) rounds(ctx context.Context, posts []post) (alone []float64, with [mostOthers + 1][]float64, err error) {
	for range l.plan.rounds {
		before, err := l.turn(ctx, posts)
		if err != nil {
			return nil, with, err
		}
		var costs [mostOthers + 1]float64
		for others := range costs {
			if others > 0 {
				if err := l.startOther(); err != nil {
					return nil, with, err
				}
			}
			if costs[others], err = l.turn(ctx, posts, "LOG_URL="+strings.Join(l.urls, ","), "ROLE=ingest"); err != nil {
				return nil, with, err
			}
		}
		if err := l.endOthers(); err != nil {
			return nil, with, err
		}
		after, err := l.turn(ctx, posts)
		if err != nil {
			return nil, with, err
		}
		alone = append(alone, (before+after)/2)
		for others, cost := range costs {
			with[others] = append(with[others], 2*cost/(before+after))
		}
	}
	return alone, with, ctx.Err()
}

// turn starts a node in an empty directory, loads it, and returns how many nanoseconds of
// the processor a record takes.
func (l *lab) turn(ctx context.Context, posts []post, environment ...string) (nanoseconds float64, err error) {
	node, err := l.start(environment...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, node.Kill()) }()
	load := startLoading(ctx, node.Address, l.connections, posts)
	rest(ctx, l.length/2) // its counters are there, and what it uses is warm
	began, err := harness.ProcessorTime(node.ID())
	if err != nil {
		return 0, errors.Join(err, load.end())
	}
	records := load.records.Load()
	rest(ctx, l.length)
	ended, err := harness.ProcessorTime(node.ID())
	records = load.records.Load() - records
	if err = errors.Join(err, load.end(), ctx.Err()); err != nil {
		return 0, err
	}
	return float64((ended - began).Nanoseconds()) / float64(records), nil
}

func (l *lab) start(environment ...string) (*harness.Server, error) {
	l.made++
	settings := harness.Settings{Program: l.recorder, Data: filepath.Join(l.directory, fmt.Sprint("data", l.made)), Inherited: os.Environ(),
		Environment: append([]string{"VISITORS=off"}, environment...)}
	return settings.Start()
}

func (l *lab) startOther() error {
	other, err := l.start("LOG_URL=" + strings.Join(l.urls, ","))
	if err == nil {
		l.others = append(l.others, other)
	}
	return err
}

func (l *lab) endOthers() (err error) {
	for _, other := range l.others {
		err = errors.Join(err, other.Kill())
	}
	l.others = nil
	return err
}

// startLog starts three servers.
func (l *lab) startLog(ctx context.Context) error {
	program, err := harness.BuildLogServer(ctx, l.directory)
	if err != nil {
		return err
	}
	var routes []string
	for range 3 {
		client, err := harness.FreeAddress()
		if err != nil {
			return err
		}
		route, err := harness.FreeAddress()
		if err != nil {
			return err
		}
		l.urls, routes = append(l.urls, client), append(routes, route)
	}
	for i := range l.urls {
		name := fmt.Sprint("n", i+1)
		path := filepath.Join(l.directory, name+".conf")
		config := harness.LogServer{Name: name, Clients: l.urls[i], Route: routes[i], Routes: routes, Store: filepath.Join(l.directory, name)}
		if err := config.Write(path); err != nil {
			return err
		}
		server, err := harness.Start(exec.Command(program, "-c", path))
		if err != nil {
			return err
		}
		l.servers = append(l.servers, server)
	}
	return nil
}

func (l *lab) end() error {
	err := l.endOthers()
	for _, server := range l.servers {
		err = errors.Join(err, server.Kill())
	}
	return err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
