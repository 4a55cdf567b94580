package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"stats-recorder/harness"
)

// target is something that can be put under load and asked what it counted.
type target interface {
	// plan says how many clients make up that many connections with that many
	// pipelined requests, and how many requests each sends at once.
	plan(connections, pipeline int) (clients, depth int)
	// connect opens a client that goes on with a walk and uses its connections in
	// some manner.
	connect(ctx context.Context, way *walk, use manner) (client, error)
	// verify returns an error unless the target's counts are exactly those of
	// the ledger, which has all that was acknowledged since the target began.
	verify(ctx context.Context, want *harness.Ledger) error
	// usage returns what the target's process used so far, or
	// errors.ErrUnsupported when that cannot be known.
	usage() (usage, error)
	// stop ends what was started for the target.
	stop() error
}

// httpTarget is a server that speaks the contract.
type httpTarget struct {
	base     *url.URL
	version  int
	child    *harness.Process // nil when it is somebody else's
	baseline *harness.Ledger  // what it had counted before the run; nil when it counts nothing
}

// errBadURL is returned for a base URL that cannot be a server of the contract.
var errBadURL = errors.New("URL must be like http://host:port")

// reachServer returns a server that runs already, with what it has counted.
func reachServer(ctx context.Context, address string, version int) (*httpTarget, error) {
	base, err := parseBase(address)
	if err != nil {
		return nil, err
	}
	counted, err := harness.ReadStatistics(ctx, base, version)
	if err != nil {
		return nil, err
	}
	return &httpTarget{base: base, version: version, baseline: counted}, nil
}

func parseBase(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadURL, err)
	}
	if base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("%w, not %q", errBadURL, address)
	}
	return base, nil
}

func (t *httpTarget) plan(connections, pipeline int) (clients, depth int) {
	return connections, pipeline
}

func (t *httpTarget) connect(ctx context.Context, way *walk, use manner) (client, error) {
	if use.Posts > 0 {
		return newBriefClient(ctx, t.base, way, use), nil
	}
	connected, err := dialHTTP(ctx, t.base, way)
	if err != nil {
		return nil, err
	}
	connected.reads = newReadMixer(way, use.Reads)
	return connected, nil
}

func (t *httpTarget) verify(ctx context.Context, want *harness.Ledger) error {
	if t.baseline == nil {
		return nil
	}
	have, err := harness.ReadStatistics(ctx, t.base, t.version)
	if err != nil {
		return err
	}
	want.Merge(t.baseline)
	return want.Compare(have)
}

func (t *httpTarget) usage() (usage, error) {
	if t.child == nil {
		return usage{}, fmt.Errorf("usage of %s: %w", t.base, errors.ErrUnsupported)
	}
	return readUsage(t.child.ID())
}

func (t *httpTarget) stop() error {
	if t.child == nil {
		return nil
	}
	return t.child.Stop()
}
