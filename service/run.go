package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"stats-recorder/backup"
	"stats-recorder/counters"
	"stats-recorder/snapshot"
)

// shutdownPatience is how long open connections may keep a stopping server.
const shutdownPatience = 5 * time.Second

// Run recovers the data directory, serves until the context ends, then drains,
// saves and returns. It calls ready, if not nil, with the bound address once
// requests are being answered. An error is for the person who started it.
func Run(ctx context.Context, config Config, ready func(address string)) error {
	if err := config.Validate(); err != nil {
		return err
	}
	config = config.withDefaults()
	if absolute, err := filepath.Abs(config.DataDir); err == nil {
		config.DataDir = absolute // so that messages say where that is
	}
	config, err := config.fitMemory()
	if err != nil {
		return err
	}
	operator, err := newOperator(config)
	if err != nil {
		return err
	}
	beside := &beside{}
	keeper, err := openKeeper(config, beside, operator)
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w; DATA_DIR must be writable for the user that runs the server", err)
	}
	if err != nil {
		return errors.Join(err, operator.close())
	}
	warnOfStorage(config.Logger, config.DataDir)
	serveError := serve(ctx, config, keeper, beside, operator, ready)
	closeError := keeper.Close()
	if errors.Is(closeError, serveError) {
		serveError = nil // what the keeper failed with it says again; once is enough
	}
	if err := errors.Join(serveError, closeError, operator.close()); err != nil {
		return err
	}
	config.Logger.Info("stopped", "data_dir", config.DataDir)
	return nil
}

// errInterrupted is the error for a data directory into which a backup is half restored.
var errInterrupted = errors.New("the restore of a backup into the data directory was interrupted; run `stats-recorder restore` again to end it")

// openKeeper recovers the data directory.
func openKeeper(config Config, beside *beside, operator *operator) (*snapshot.Keeper, error) {
	if backup.IsInterrupted(config.DataDir) {
		return nil, fmt.Errorf("%q: %w", config.DataDir, errInterrupted)
	}
	options := config.keeperOptions(operator.metrics)
	options.Registers = beside.registers(config)
	return snapshot.Open(options)
}

// serve answers requests until the context ends or nothing can be saved any
// more. When it returns, nothing more is recorded.
func serve(ctx context.Context, config Config, keeper *snapshot.Keeper, beside *beside, operator *operator, ready func(address string)) error {
	server, files, err := newServer(config, keeper, beside)
	if err != nil {
		return err
	}
	defer files.onHangup()()
	listener, err := listen(config)
	if err != nil {
		return err
	}
	operator.serving(keeper, beside, server, server.Handler(files.insight))
	defer operator.end()
	logStart(config, keeper, operator, listener.Addr())
	warnOfFarDays(config, keeper.History())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if ready != nil {
		ready(listener.Addr().String())
	}
	select {
	case <-ctx.Done():
	case err := <-keeper.Failed():
		return err // waiting requests get no answer: whether their records are on disk is not known
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	}
	operator.stopping()
	config.Logger.Debug("stopping", "reason", context.Cause(ctx))
	patience, cancel := context.WithTimeout(context.Background(), shutdownPatience)
	defer cancel()
	// Requests that are under way still count; only those that take too long do not.
	err = server.Shutdown(patience)
	keeper.Drain()
	return err
}

// farDays is how many days a timeline can show: records of earlier ones are far away.
const farDays = 10_000

// warnOfFarDays warns of records that are dated so far from today that a timeline without a
// window cannot show all: those of an import, or of a clock that was wrong.
func warnOfFarDays(config Config, history *snapshot.History) {
	first, last, some := history.Span()
	today := counters.HourOf(config.Now()).Day()
	if some && (last > today+1 || first+farDays < today) {
		config.Logger.Warn("there are records of days far from today: a timeline without a window leaves out what is beyond its steps",
			"first_day", first.String(), "last_day", last.String())
	}
}

func logStart(config Config, keeper *snapshot.Keeper, operator *operator, address net.Addr) {
	recovery, store := keeper.Recovery(), keeper.Store()
	attributes := []any{
		slog.String("address", address.String()),
		slog.String("data_dir", config.DataDir),
		slog.String("durability", config.Durability),
		slog.String("snapshot", recovery.Snapshot),
		slog.Int("journal_frames", recovery.Frames),
		slog.Int("benefits", store.Benefits.Len()),
		slog.Int("counters", store.Counters()),
	}
	if recovery.Snapshot != "" {
		attributes = append(attributes, slog.String("age", config.Now().Sub(recovery.Written).Round(time.Second).String()))
	}
	if operator.admin != nil {
		attributes = append(attributes, slog.String("admin", operator.admin.Address()))
	}
	config.Logger.Info("listening", attributes...)
}
