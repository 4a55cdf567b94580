package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"stats-recorder/harness"
)

// localHost is the Host header of requests to targets that the harness starts:
// the same bytes to each.
const localHost = "localhost"

// matrixRun runs the cells of a matrix, one after the other.
type matrixRun struct {
	options   *options
	directory string // temporary, for programs and data
	programs  map[laneKind]string
	certified *secrets // nil if nothing is encrypted
	progress  *progress
}

// findTargets builds or finds the programs of all targets, and keeps to those
// that there are. It returns what the reader of the results should know.
func (h *matrixRun) findTargets(ctx context.Context) ([]string, error) {
	var notes []string
	found := *h.options
	found.targets = nil
	for _, kind := range laneKinds() {
		if !h.options.wants(kind) {
			continue
		}
		var err error
		switch kind {
		case serverLane:
			h.programs[kind], err = harness.Build(ctx, harness.BuildSettings{Directory: h.directory})
		case rivalLane:
			h.programs[kind] = h.options.rival
		case urlLane:
			h.programs[kind] = h.options.url
		case redisLane, durableRedisLane:
			if h.programs[kind], err = exec.LookPath("redis-server"); err != nil {
				notes = append(notes, "Redis was not measured: there is no redis-server on the PATH.")
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if kind == ceilingLane || h.programs[kind] != "" {
			found.targets = append(found.targets, kind)
		}
	}
	if isMemoryFileSystem(h.directory) {
		notes = append(notes, "The data directories were in memory, where making data durable costs nothing: see -data.")
	}
	if len(found.only(serverLane, rivalLane, urlLane, redisLane, durableRedisLane).targets) == 0 {
		return nil, fmt.Errorf("%w: -targets leaves nothing to measure", errBadOption)
	}
	if len(found.only(serverLane, rivalLane, urlLane).targets) == 0 && found.wants(ceilingLane) {
		return nil, fmt.Errorf("%w: -targets has a ceiling, but no server whose answer it could give", errBadOption)
	}
	h.options = &found
	return notes, nil
}

// cellRun is one cell while it runs.
type cellRun struct {
	*matrixRun
	spec      cellSpec
	lanes     []*lane
	workloads map[workloadShape]*workload
	answer    *capturedResponse // what the ceiling gives; set by the first server
}

// runCell measures all lanes of a cell in turns. An error of any lane fails it.
func (h *matrixRun) runCell(ctx context.Context, spec cellSpec) (*cellResult, error) {
	run := &cellRun{matrixRun: h, spec: spec, workloads: map[workloadShape]*workload{}}
	result, err := run.measure(ctx)
	for _, opened := range run.lanes {
		if closeErr := opened.close(); closeErr != nil {
			err = errors.Join(err, closeErr)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.title(), err)
	}
	result.addRatios()
	return result, nil
}

func (r *cellRun) measure(ctx context.Context) (*cellResult, error) {
	for _, spec := range r.spec.Specs {
		if err := r.open(ctx, spec); err != nil {
			return nil, fmt.Errorf("%s: %w", spec.name(), err)
		}
	}
	for _, one := range r.lanes {
		if err := r.prepare(ctx, one); err != nil {
			return nil, fmt.Errorf("%s: %w", one.spec.name(), err)
		}
	}
	for round := range r.options.rounds {
		for position := range r.lanes {
			// There and back again, so that a machine that slows down or speeds
			// up does not favour the lane that comes first.
			if round%2 == 1 {
				position = len(r.lanes) - 1 - position
			}
			one := r.lanes[position]
			r.progress.step(fmt.Sprintf("%s: %s, round %d of %d", r.spec.title(), one.spec.name(), round+1, r.options.rounds))
			if err := one.measure(ctx, r.options.duration); err != nil {
				return nil, fmt.Errorf("%s: round %d: %w", one.spec.name(), round+1, err)
			}
		}
	}
	result := &cellResult{cellSpec: r.spec}
	for _, one := range r.lanes {
		found, err := one.finish(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.spec.name(), err)
		}
		result.Lanes = append(result.Lanes, found)
	}
	return result, nil
}

// prepare makes the lane's counters exist and brings it up to speed.
func (r *cellRun) prepare(ctx context.Context, one *lane) error {
	r.progress.step(fmt.Sprintf("%s: %s, warming up", r.spec.title(), one.spec.name()))
	if one.spec.Counters > 0 && one.spec.Kind != ceilingLane {
		if err := one.fill(ctx); err != nil {
			return fmt.Errorf("create counters: %w", err)
		}
	}
	if err := one.warmUp(ctx, r.options.warmup); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return nil
}

// open starts or reaches the target of a lane and prepares its traffic.
func (r *cellRun) open(ctx context.Context, spec laneSpec) error {
	directory, reached, err := r.start(ctx, spec)
	if err != nil {
		return err
	}
	traffic, err := r.workload(spec, reached)
	if err != nil {
		return errors.Join(err, reached.stop())
	}
	opened := newLane(r.spec, spec, reached, traffic)
	opened.read = r.options.read
	r.lanes = append(r.lanes, opened)
	if spec.startsServer() {
		opened.directory = directory
		if opened.emptySize, err = directoryBytes(directory); err != nil {
			return err
		}
		if r.options.restart || r.spec.restarted {
			opened.restart = func(ctx context.Context) (target, error) { return r.startServer(ctx, spec, directory) }
		}
	}
	if server, isServer := reached.(*httpTarget); isServer && r.answer == nil {
		way := &walk{traffic: traffic}
		opened.walks = append(opened.walks, way)
		r.answer, err = captureResponse(ctx, server, way)
	}
	return err
}

// start returns the target of a lane, running, and its data directory.
func (r *cellRun) start(ctx context.Context, spec laneSpec) (string, target, error) {
	directory, err := os.MkdirTemp(r.directory, string(spec.Kind))
	if err != nil {
		return "", nil, fmt.Errorf("data directory: %w", err)
	}
	var started target
	switch spec.Kind {
	case ceilingLane:
		started, err = startCeiling(ctx, r.answer, r.secrets())
	case redisLane, durableRedisLane:
		started, err = startRedis(ctx, r.programs[spec.Kind], directory, spec.Kind)
	case urlLane:
		started, err = reachServer(ctx, r.options.url, r.options.version)
	default:
		started, err = r.startOnDays(ctx, spec, directory)
	}
	return directory, started, err
}

// startOnDays starts a server that begins with some closed days of counts. Its counts
// are compared with these and what is acknowledged.
func (r *cellRun) startOnDays(ctx context.Context, spec laneSpec, directory string) (*httpTarget, error) {
	if spec.Days == 0 {
		return r.startServer(ctx, spec, directory)
	}
	if err := importDays(ctx, r.programs[spec.Kind], directory, spec.Days, r.options.version); err != nil {
		return nil, err
	}
	started, err := r.startServer(ctx, spec, directory)
	if err != nil {
		return nil, err
	}
	if started.baseline, err = harness.ReadStatistics(ctx, started.base, started.version); err != nil {
		return nil, errors.Join(err, started.stop())
	}
	return started, nil
}

func (r *cellRun) startServer(ctx context.Context, spec laneSpec, directory string) (*httpTarget, error) {
	settings := []string{"DURABILITY=" + spec.Durability}
	if spec.Setting != "" {
		settings = append(settings, spec.Setting)
	}
	return startServer(ctx, r.programs[spec.Kind], directory, settings, r.secrets(), r.options.version)
}

// secrets are what the cell's servers speak TLS with, nil if they do not.
func (r *cellRun) secrets() *secrets {
	if !r.spec.Encrypted {
		return nil
	}
	return r.matrixRun.certified
}

// workload returns the traffic of a lane, the same one for lanes that send the
// same bytes.
func (r *cellRun) workload(spec laneSpec, reached target) (*workload, error) {
	shape := workloadShape{
		batch: r.spec.Batch, benefits: cmp.Or(r.spec.Benefits, r.options.benefits), zipf: r.options.zipf,
		strangers: r.spec.Strangers, counters: spec.Counters, version: r.options.version, seed: r.options.seed,
		host: localHost, path: "/benefits",
	}
	if server, isServer := reached.(*httpTarget); isServer && spec.Kind == urlLane {
		shape.host = server.base.Host
		shape.path = "/" + strings.TrimPrefix(server.base.JoinPath("benefits").EscapedPath(), "/")
	}
	if known := r.workloads[shape]; known != nil {
		return known, nil
	}
	built, err := newWorkload(shape)
	r.workloads[shape] = built
	return built, err
}
