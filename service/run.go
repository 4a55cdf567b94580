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
	"stats-recorder/cluster/member"
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
	if operator.offsite, err = restored(ctx, config, operator); err != nil {
		return errors.Join(err, operator.close())
	}
	err = errMustAdopt
	for errors.Is(err, errMustAdopt) {
		err = keep(ctx, config, operator, ready)
	}
	if err := errors.Join(err, operator.close()); err != nil {
		return err
	}
	config.Logger.Info("stopped", "data_dir", config.DataDir)
	return nil
}

// errMustAdopt means that the directory was replaced by the state of another node, so
// that it must be recovered anew.
var errMustAdopt = errors.New("the state of another node was adopted")

// keep recovers the data directory, joins the log if there is one, serves, and saves.
func keep(ctx context.Context, config Config, operator *operator, ready func(address string)) error {
	node, options := config.newMember(), config.keeperOptions(operator.metrics)
	beside := &beside{node: node}
	options.Registers = beside.registers(config)
	if node != nil {
		options.Follower = node.Follower()
	}
	keeper, err := openKeeper(config, options)
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w; DATA_DIR must be writable for the user that runs the server", err)
	}
	if err != nil {
		return err
	}
	warnOfStorage(config) // which is there now
	config.sayImport(keeper)
	if err := operator.offsite.begin(ctx, keeper); err != nil {
		return errors.Join(err, keeper.Close())
	}
	var serveError error
	if node != nil {
		serveError = join(ctx, config, node, keeper)
	}
	if serveError == nil {
		serveError = serve(ctx, config, keeper, beside, operator, ready)
	}
	if errors.Is(serveError, member.ErrAdopt) {
		return adopt(ctx, config, node, options)
	}
	if node != nil {
		node.Close()
	}
	closeError := keeper.Close()
	operator.offsite.last()
	if errors.Is(closeError, serveError) {
		serveError = nil // what the keeper failed with it says again; once is enough
	}
	return errors.Join(serveError, closeError)
}

// errInterrupted is the error for a data directory into which a backup is half restored.
var errInterrupted = errors.New("the restore of a backup into the data directory was interrupted; run `stats-recorder restore` again to end it")

// openKeeper recovers the data directory.
func openKeeper(config Config, options snapshot.Options) (*snapshot.Keeper, error) {
	if backup.IsInterrupted(config.DataDir) {
		return nil, fmt.Errorf("%q: %w", config.DataDir, errInterrupted)
	}
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
	warnOfLog(config, keeper)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if ready != nil {
		ready(listener.Addr().String())
	}
	var failed <-chan error
	node := beside.node
	if node != nil {
		failed = node.Failed()
	}
	var nodeError error
	select {
	case <-ctx.Done():
	case nodeError = <-failed:
	case err := <-keeper.Failed():
		return err // waiting requests get no answer: whether their records are on disk is not known
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	}
	if ctx.Err() != nil {
		operator.stopping()
	}
	config.Logger.Debug("stopping", "reason", errors.Join(nodeError, context.Cause(ctx)))
	patience, cancel := context.WithTimeout(context.Background(), shutdownPatience)
	defer cancel()
	// Requests that are under way still count; only those that take too long do not.
	err = server.Shutdown(patience)
	switch {
	case nodeError != nil:
		return errors.Join(nodeError, err)
	case node != nil:
		flush(config, node)
	}
	keeper.Drain()
	return err
}

// flush lets the log get what was counted last, if it can.
func flush(config Config, node *member.Member) {
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	if err := node.Flush(ctx); err != nil {
		config.Logger.Warn("stopping before the log has all that was counted here; it is told after the next start")
	}
}

// warnOfLog tells of counts that others may have in a log which is not named any more.
func warnOfLog(config Config, keeper *snapshot.Keeper) {
	if known := keeper.Membership(); known != nil && config.Log.URL == "" {
		config.Logger.Warn("this directory counted with others, and counts alone now: without LOG_URL it lacks what they tell",
			"log", known.Covered.Position.Epoch.String(), "merged_up_to", known.Covered.Position.Sequence)
	}
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
