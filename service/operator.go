package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/service/admin"
	"stats-recorder/snapshot"
)

var (
	errStopping = errors.New("stopping")
	errRefusing = errors.New("the disk does not take records")
	errHangs    = errors.New("nothing is being made durable any more")
)

// operator looks after a server for those who run it: the person on call, by
// the admin address and the log, and the service manager.
type operator struct {
	config  Config
	metrics *admin.Metrics
	admin   *admin.Server // nil when ADMIN_ADDR is off
	began   time.Time
	offsite *offsite // nil for none

	stopped atomic.Bool
	cancel  context.CancelFunc
	tasks   sync.WaitGroup
}

// newOperator opens the admin address, before there is anything to serve.
func newOperator(config Config) (*operator, error) {
	o := &operator{
		config:  config,
		began:   time.Now(),
		metrics: admin.NewMetrics(ReadBuild()),
	}
	if config.AdminOff() {
		return o, nil
	}
	server, err := admin.Listen(config.AdminAddr, o.metrics)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: ADMIN_ADDR: %w; is another server running? choose another address, or off", ErrConfig, err)
	} else if err != nil {
		return nil, fmt.Errorf("%w: ADMIN_ADDR %q: %w", ErrConfig, config.AdminAddr, err)
	}
	o.admin = server
	return o, nil
}

// close gives the admin address free.
func (o *operator) close() error {
	if o.admin == nil {
		return nil
	}
	return o.admin.Close()
}

// serving begins to look after a server that answers requests, until end.
func (o *operator) serving(keeper *snapshot.Keeper, beside *beside, server *httpapi.Server, insight http.Handler) {
	if o.admin != nil {
		subject := o.subject(keeper, beside, server)
		subject.Insight = insight
		o.admin.Observe(subject)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	o.tasks.Go(func() { server.LogSums(ctx) })
	o.tasks.Go(func() { o.offsite.run(ctx) })
	o.notify(daemon.SdNotifyReady)
	if interval, err := daemon.SdWatchdogEnabled(false); err != nil {
		o.config.Logger.Warn("the service manager's watchdog interval makes no sense", "error", err)
	} else if interval > 0 {
		o.tasks.Go(func() { o.watch(ctx, interval/3, keeper.Beat()) })
	}
}

// stopping says that the server stops now.
func (o *operator) stopping() {
	o.stopped.Store(true)
	o.notify(daemon.SdNotifyStopping)
}

// end ends the tasks of serving, the last lines of the log included.
func (o *operator) end() {
	if o.cancel != nil {
		o.cancel()
		o.tasks.Wait()
	}
}

// watch tells the service manager's watchdog that the server lives, as long as
// the goroutine that makes records durable does.
func (o *operator) watch(ctx context.Context, interval time.Duration, beat <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-beat:
			o.notify(daemon.SdNotifyWatchdog)
		case <-ctx.Done():
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// notify tells the service manager, if there is one.
func (o *operator) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		o.config.Logger.Warn("cannot tell the service manager", "state", state, "error", err)
	}
}

func (o *operator) subject(keeper *snapshot.Keeper, beside *beside, server *httpapi.Server) admin.Subject {
	recovered := time.Since(o.began)
	return admin.Subject{
		Requests: server.Metrics(),
		Figures: func() admin.Figures {
			figures := readFigures(o.config, keeper)
			figures.RecoveryTook = recovered
			beside.addFigures(&figures)
			if beside.node != nil {
				figures.Limits = append(figures.Limits, admin.Limit{Setting: "LOG_BACKLOG", Value: int64(o.config.Log.Backlog)})
			}
			return figures
		},
		Ready: func() error {
			switch {
			case o.stopped.Load():
				return errStopping
			case keeper.Refusing():
				return errRefusing
			case beside.node != nil:
				if err := beside.node.Takes(o.config.Log.ack); err != nil {
					return err
				}
				return beside.node.Ready()
			}
			return nil
		},
		Remark: func() string { return o.config.importRemark(keeper) },
		Alive: func(ctx context.Context) error {
			select {
			case <-keeper.Beat():
				return nil
			case <-ctx.Done():
				if o.stopped.Load() {
					return nil // it ends by itself
				}
				return errHangs
			}
		},
		ConfirmClock: func(ctx context.Context, today time.Time) error {
			err := keeper.ConfirmClock(ctx, counters.HourOf(today).Day())
			if errors.Is(err, snapshot.ErrAnotherDay) {
				return fmt.Errorf("%w: %w", admin.ErrNotConfirmed, err)
			}
			return err
		},
	}
}

// readFigures reads the figures of a keeper. One that cannot be read is left at 0.
func readFigures(config Config, keeper *snapshot.Keeper) admin.Figures {
	store, recovery := keeper.Store(), keeper.Recovery()
	status, err := keeper.Status()
	if err != nil {
		config.Logger.Warn("cannot read the data directory for metrics", "error", err)
	}
	keys, forgotten := keeper.Keys()
	return admin.Figures{
		Benefits:      store.Benefits.Len(),
		Counters:      store.Counters(),
		OpenDays:      len(store.OpenDays()),
		Overflowed:    store.Overflowed(),
		OtherEvents:   store.OtherEvents(),
		Words:         store.Words.Len(),
		Keys:          keys,
		KeysForgotten: forgotten,
		ClosedDays:    status.ClosedDays,
		ClosedBytes:   status.ClosedBytes,
		JournalBytes:  status.JournalBytes,
		SnapshotBytes: status.SnapshotBytes,
		SnapshotAge:   status.SnapshotAge,
		Committed:     status.Committed,
		Unsynced:      status.Unsynced,
		ImportWaits:   status.ImportWaits,
		FreeBytes:     freeBytes(config.DataDir),
		Limits: []admin.Limit{
			{Setting: "MAX_BENEFITS", Value: int64(config.MaxBenefits)},
			{Setting: "MAX_COUNTERS", Value: int64(config.MaxCounters)},
		},
		Clock: admin.Clock{
			Reading: status.Clock, Expected: status.ClockExpected, Doubted: status.ClockDoubted, HeldDays: status.HeldDays,
		},
		RecoveredCommits:  recovery.Frames,
		RecoveryTornBytes: recovery.TornBytes,
		RecoveryWarnings:  len(recovery.Warnings),
	}
}
