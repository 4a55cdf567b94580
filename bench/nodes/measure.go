package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"stats-recorder/harness"
)

// A plan says what is measured, and how.
type plan struct {
	pairs, rate, connections int
	length                   time.Duration
	programs                 string
	traffics                 []traffic
	others                   []int
}

// A lab is a log and what runs beside it.
type lab struct {
	plan
	directory string
	servers   []*harness.Process
	urls      []string
	others    []*harness.Server
	made      int // directories
}

// measure prints what a record costs alone, and with ROLE=ingest beside others.
func measure(ctx context.Context, p plan, output io.Writer) (err error) {
	l := &lab{plan: p}
	if l.directory, err = os.MkdirTemp("", "bench-nodes-"); err != nil {
		return err
	}
	defer os.RemoveAll(l.directory)
	if p.programs == "" {
		if err := l.build(ctx); err != nil {
			return err
		}
	}
	separate, err := separateProcessors()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.end()) }()
	if err := l.startLog(); err != nil {
		return err
	}
	for _, traffic := range p.traffics {
		if err := l.compare(ctx, traffic, separate, output); err != nil {
			return fmt.Errorf("-batch %s: %w", traffic.name, err)
		}
	}
	return nil
}

// build builds the programs.
func (l *lab) build(ctx context.Context) error {
	l.programs = l.directory
	if _, err := harness.Build(ctx, harness.BuildSettings{Directory: l.directory}); err != nil {
		return err
	}
	_, err := harness.BuildLogServer(ctx, l.directory)
	return err
}

// compare starts a node that counts alone and one that ingests for a log, and measures both
// beside more and more others.
func (l *lab) compare(ctx context.Context, t traffic, separate *separated, output io.Writer) (err error) {
	var both pair
	for i, environment := range [][]string{nil, {"LOG_URL=" + strings.Join(l.urls, ","), "ROLE=ingest"}} {
		startErr := separate.forNodes(func() (err error) {
			both.nodes[i], err = l.start(environment...)
			return err
		})
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, both.nodes[i].Kill()) }()
		if both.twins[i], startErr = l.start(environment...); startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, both.twins[i].Kill()) }()
	}
	both.plan, both.posts = l.plan, t.posts()
	for _, others := range l.plan.others {
		for len(l.others) < others {
			if err := l.startOther(); err != nil {
				return err
			}
		}
		both.costs = [2]cost{}
		ratios, err := both.alternate(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(output, "%-4s at %d posts/s of %.1f records: %4.0f ns a record alone; with ROLE=ingest and %d others %.3f times that (quartiles %.3f and %.3f of %d pairs), %.3f in all\n",
			t.name, l.rate, both.recordsOfAPost(), both.costs[alone].each(), others, quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios),
			both.costs[ingest].each()/both.costs[alone].each())
	}
	return l.endOthers()
}

func (l *lab) start(environment ...string) (*harness.Server, error) {
	l.made++
	settings := harness.Settings{Program: filepath.Join(l.programs, "stats-recorder"), Data: filepath.Join(l.directory, fmt.Sprint("data", l.made)), Inherited: os.Environ(),
		Environment: append([]string{"VISITORS=off", "LOG_WINDOW=100ms"}, environment...)}
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
func (l *lab) startLog() error {
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
		server, err := harness.Start(exec.Command(filepath.Join(l.programs, "nats-server"), "-c", path))
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
