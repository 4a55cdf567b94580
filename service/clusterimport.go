package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stats-recorder/cluster/member"
	"stats-recorder/cluster/natslog"
	"stats-recorder/snapshot"
)

// What keeps a directory that counts with others from being imported into.
var (
	errIngests   = fmt.Errorf("%w: ROLE: a node that only takes records does not know what was imported elsewhere: import on a node with ROLE=all", ErrConfig)
	errAdoptOnce = errors.New("start the node, wait until it is ready, and stop it again")
)

// importWaits is since when an import waits in the directory, the zero time for none, and by
// whom it is made, in words; isMade says whether it is by this process.
func (c Config) importWaits(keeper *snapshot.Keeper) (since time.Time, by string, isMade bool) {
	since, err := keeper.WaitingSince()
	switch {
	case err != nil || since.IsZero():
		return time.Time{}, "", false
	case c.Log.URL == "":
		return since, "not by a server without LOG_URL: start it with that", false
	case c.Log.ingest:
		return since, "not by a node with ROLE=ingest, which does not know what was imported elsewhere: start it once with ROLE=all", false
	}
	return since, "by this node, once it has merged the log and the log takes it; what keeps it from that is in the log of the server", true
}

// sayImport logs at a start that an import waits.
func (c Config) sayImport(keeper *snapshot.Keeper) {
	since, by, isMade := c.importWaits(keeper)
	if since.IsZero() {
		return
	}
	say := c.Logger.Warn
	if isMade {
		say = c.Logger.Info
	}
	say("an import waits to be told to other nodes", "since", since.UTC(), "is_made", by)
}

// importRemark says of a server that is ready that an import waits; it is empty if none does.
func (c Config) importRemark(keeper *snapshot.Keeper) string {
	since, by, _ := c.importWaits(keeper)
	if since.IsZero() {
		return ""
	}
	return fmt.Sprintf("since %s an import waits to be told to other nodes; it is made %s", since.UTC().Format(time.RFC3339), by)
}

// checkPause is how often a node that runs for an import is asked how far it is.
const checkPause = 20 * time.Millisecond

// CatchUp has a directory, on which no server runs and which counts with others, merge all
// that the log of a Config has, and has an import made that waits in it. The config is
// one that Validate has read. It returns the event types that nodes have agreed on.
func CatchUp(ctx context.Context, config Config) (eventTypes []string, err error) {
	err = runForImport(ctx, config, func(began time.Time, node *member.Member, keeper *snapshot.Keeper) (isDone bool, err error) {
		if isDone, err = isImported(node, keeper); err != nil {
			return false, fmt.Errorf("an import that waited here: %w", err)
		}
		if !isDone {
			return false, nil
		}
		_, at := node.Counted()
		return at.After(began), nil
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	connection, err := openToLook(ctx, config)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	said, err := connection.Leader(ctx)
	return eventTypesOn(said.Notes), err
}

// MakeImport has the import made that waits in a directory, on which no server runs, and
// returns once the log has all of it. The error says why it is given up, if it wraps
// ErrNotImported, or else why it still waits: the node that runs on the directory next
// makes it.
func MakeImport(ctx context.Context, config Config) error {
	return runForImport(ctx, config, func(_ time.Time, node *member.Member, keeper *snapshot.Keeper) (bool, error) {
		isDone, err := isImported(node, keeper)
		if isDone && err != nil {
			err = fmt.Errorf("%w: %w", ErrNotImported, err)
		}
		return isDone, err
	})
}

// ErrNotImported means that nothing of an import is counted.
var ErrNotImported = errors.New("nothing was imported")

// isImported says whether no import waits. The error is then why one was given up, and else why
// nobody knows.
func isImported(node *member.Member, keeper *snapshot.Keeper) (bool, error) {
	since, err := keeper.WaitingSince()
	if !since.IsZero() || err != nil {
		return false, err
	}
	select {
	case err := <-node.Imported(): // it came before the import ceased to wait
		return true, err
	default:
		return true, nil
	}
}

// runForImport runs a node that takes no records until something is done, which is asked again
// and again, and the log has all that it tells.
func runForImport(ctx context.Context, config Config, isDone func(began time.Time, node *member.Member, keeper *snapshot.Keeper) (bool, error)) (err error) {
	switch {
	case config.Log.URL == "":
		return errNoLog
	case config.Log.ingest:
		return errIngests
	}
	config = config.withDefaults()
	node := member.New(config.memberOptions(func(ctx context.Context) (*member.Link, error) {
		connection, err := natslog.Open(ctx, config.Log.options(config))
		if err != nil {
			return nil, err
		}
		return config.linkOver(connection), nil
	}))
	options := config.keeperOptions(nil)
	options.Follower = node.Follower()
	keeper, err := openKeeper(config, options)
	if err != nil {
		return err
	}
	defer func() {
		node.Close()
		err = errors.Join(err, keeper.Close())
	}()
	began := time.Now()
	starting, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if err := node.Start(starting, keeper); err != nil {
		return advised(err)
	}
	for {
		done, err := isDone(began, node, keeper)
		switch {
		case err != nil:
			return err
		case done:
			return node.Flush(ctx)
		}
		if status := node.Status(); !status.Joined || errors.Is(status.Trouble, member.ErrUnreadable) {
			return node.Ready()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-node.Failed():
			return advised(err)
		case err := <-keeper.Failed():
			return err
		case <-time.After(checkPause):
		}
	}
}

// advised says what to do about a node that cannot join.
func advised(err error) error {
	if errors.Is(err, member.ErrAdopt) {
		return fmt.Errorf("%w: %w", err, errAdoptOnce)
	}
	return err
}
