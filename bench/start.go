package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"stats-recorder/harness"
)

// startServer starts a server program on a free port, with a data directory that
// holds nothing but what was acknowledged in this run.
func startServer(ctx context.Context, program, data string, set []string, encrypted *secrets, version int) (*httpTarget, error) {
	settings := harness.Settings{
		Program: program, Data: data, Inherited: os.Environ(),
		Environment: append(append([]string{"ADMIN_ADDR=127.0.0.1:0"}, set...), encrypted.settings()...),
	}
	server, err := settings.Launch()
	if err != nil {
		return nil, err
	}
	started, err := listen(ctx, server, encrypted)
	if err != nil {
		return nil, err
	}
	started.version, started.baseline = version, harness.NewLedger()
	return started, nil
}

// listen waits until a server that was started listens. It is killed if it does not,
// or if the context ends first.
func listen(ctx context.Context, server *harness.Server, encrypted *secrets) (*httpTarget, error) {
	giveUp := context.AfterFunc(ctx, func() { _ = server.Kill() }) // Listen says that it ended
	defer giveUp()
	if err := server.Listen(); err != nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("wait until it serves: %w", err), server.Kill())
	}
	base := server.URL()
	if encrypted != nil {
		base.Scheme = "https"
	}
	return &httpTarget{base: base, child: server.Process}, nil
}
