package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stats-recorder/backup"
	"stats-recorder/backup/objectstore"
	"stats-recorder/counters"
	"stats-recorder/service/admin"
	"stats-recorder/snapshot"
	"stats-recorder/snapshot/format"
)

const (
	// claimPatience is how long a start waits for object storage that it can do without.
	claimPatience = 10 * time.Second
	// roundPatience is how long one round may take.
	roundPatience = 10 * time.Minute
	// lastPatience is how long a stop waits for the last round.
	lastPatience = 15 * time.Second
)

// offsite keeps what a server counts in object storage too. A nil one does nothing: there
// is no BACKUP_URL.
type offsite struct {
	config   Config
	store    *objectstore.Store
	metrics  *admin.Metrics
	uploader *objectstore.Uploader
	failing  bool  // so that only changes are logged
	ended    error // why nothing is uploaded any more
}

// restored is what keeps everything in object storage, nil for nothing, once an empty
// data directory has what is there.
func restored(ctx context.Context, config Config, operator *operator) (*offsite, error) {
	o, err := newOffsite(config, operator.metrics)
	if err != nil {
		return nil, err
	}
	return o, o.restore(ctx)
}

func newOffsite(config Config, metrics *admin.Metrics) (*offsite, error) {
	if config.parsed.backup == nil {
		return nil, nil
	}
	store, err := objectstore.OpenS3(*config.parsed.backup)
	if err != nil {
		return nil, fmt.Errorf("%w: BACKUP_URL: %w", ErrConfig, err)
	}
	return &offsite{config: config, store: store, metrics: metrics}, nil
}

// restore brings the newest backup back where the data directory holds nothing. A start
// must not go on without knowing whether there is one: what it would count then could not
// be put together with that.
func (o *offsite) restore(ctx context.Context) error {
	if o == nil {
		return nil
	}
	isEmpty, err := backup.IsEmpty(o.config.DataDir)
	if err != nil || (!isEmpty && !backup.IsInterrupted(o.config.DataDir)) {
		return err
	}
	source, err := o.store.Newest(ctx)
	if errors.Is(err, objectstore.ErrNoBackup) {
		o.config.Logger.Info("there is no backup yet: begin anew", "backup_url", o.config.BackupURL)
		return nil
	}
	if err != nil {
		return fmt.Errorf("DATA_DIR %q is empty, and BACKUP_URL cannot be asked for what was in it: %w", o.config.DataDir, err)
	}
	m, err := backup.Restore(source, backup.Restoring{Directory: o.config.DataDir, Kinds: counters.BuiltInKinds()})
	if err != nil {
		return err
	}
	o.config.Logger.Info("restored the newest backup", "data_dir", o.config.DataDir, "taken", m.Taken, "commit", m.Commit, "files", len(m.Files))
	return nil
}

// begin claims the place for the directory of a keeper. It returns objectstore.ErrForeign;
// storage that does not answer is asked again with each round.
func (o *offsite) begin(ctx context.Context, keeper *snapshot.Keeper) error {
	if o == nil {
		return nil
	}
	o.uploader = objectstore.NewUploader(o.store, o.config.DataDir, counters.BuiltInKinds(), format.Identity(keeper.Identity()).String(), o.config.Now)
	ctx, cancel := context.WithTimeout(ctx, claimPatience)
	defer cancel()
	if err := o.uploader.Claim(ctx); errors.Is(err, objectstore.ErrForeign) {
		return fmt.Errorf("%w: BACKUP_URL: %w", ErrConfig, err)
	} else if err != nil {
		o.config.Logger.Error("object storage does not answer; it is tried again", "error", err)
	}
	o.config.Logger.Info("everything is backed up to object storage: with the disk, at most what was counted since the last upload is lost",
		"backup_url", o.config.BackupURL, "backup_interval", o.config.BackupInterval)
	return nil
}

// run uploads what is new, at once and then after each interval, until the context ends.
func (o *offsite) run(ctx context.Context) {
	if o == nil {
		return
	}
	ticker := time.NewTicker(o.config.BackupInterval)
	defer ticker.Stop()
	for {
		o.round(ctx, roundPatience)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// last uploads what the end of a server has written.
func (o *offsite) last() {
	if o != nil {
		o.round(context.Background(), lastPatience)
	}
}

// round uploads what is new. That it fails costs nothing but its own purpose: it is
// logged, counted, and tried again.
func (o *offsite) round(ctx context.Context, patience time.Duration) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	bytes, err := int64(0), o.ended
	if err == nil {
		bytes, err = o.uploader.Round(within)
	}
	switch {
	case ctx.Err() != nil: // the server stops, and last tries again
		return
	case err == nil:
		o.metrics.BackedUp(bytes)
	default:
		o.metrics.BackupFailed()
	}
	if errors.Is(err, objectstore.ErrForeign) || errors.Is(err, objectstore.ErrTaken) {
		o.ended = err
	}
	if isFailing := err != nil; isFailing != o.failing {
		o.failing = isFailing
		if isFailing {
			o.config.Logger.Error("cannot back up to object storage; counting goes on, and it is tried again", "error", err)
		} else {
			o.config.Logger.Info("backups to object storage succeed again")
		}
	}
}
