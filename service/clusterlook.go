package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stats-recorder/cluster"
	"stats-recorder/cluster/member"
	"stats-recorder/cluster/natslog"
	"stats-recorder/snapshot"
)

// lookPatience is how long to look at a log may take.
const lookPatience = 30 * time.Second

var errNoLog = fmt.Errorf("%w: LOG_URL: is empty: want the servers of a log", ErrConfig)

// A LogStatus is what a log says of itself and of its nodes.
type LogStatus struct {
	Epoch       string
	First, Last uint64
	Nodes       []LogNode
	// Used is how many bytes the log has, and Limit how many it takes; 0 for any number.
	Used, Limit int64
	// Settings are those of the node that opened the log last, by their variables, of which
	// answers depend.
	Settings map[string]string
	// Differing are those of them that the Config has otherwise, in words.
	Differing []string
}

// A LogNode is what a node has shared.
type LogNode struct {
	Origin   string
	Epoch    string
	Position uint64
	// Frames is how many frames its state has, of Origins origins. Lacks is of how many
	// origins another state has more.
	Frames         uint64
	Origins, Lacks int
}

// LookAtLog asks the log of a Config that Validate has read. It changes nothing.
func LookAtLog(ctx context.Context, config Config) (status LogStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	connection, err := openToLook(ctx, config)
	if err != nil {
		return status, err
	}
	defer connection.Close()
	first, last, err := connection.Log.Bounds(ctx)
	if err != nil {
		return status, err
	}
	covers, err := connection.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return status, err
	}
	said, err := connection.Leader(ctx)
	if err != nil {
		return status, err
	}
	status.Used, status.Limit, status.Settings = said.Used, said.Limit, settingsOn(said.Notes)
	status.Differing = differences(config.withDefaults().alike(), status.Settings)
	status.Epoch, status.First, status.Last = last.Epoch.String(), first.Sequence, last.Sequence
	all := &cluster.Covered{}
	for _, covered := range covers {
		all.Merge(covered)
	}
	for origin, covered := range covers {
		node := LogNode{Origin: origin.String(), Epoch: covered.Position.Epoch.String(), Position: covered.Position.Sequence}
		for _, of := range all.Origins() {
			if covered.UpTo(of) > 0 {
				node.Origins++
			}
			node.Frames += covered.UpTo(of)
			if covered.UpTo(of) < all.Highest(of) {
				node.Lacks++
			}
		}
		status.Nodes = append(status.Nodes, node)
	}
	slices.SortFunc(status.Nodes, func(a, b LogNode) int { return strings.Compare(a.Origin, b.Origin) })
	return status, nil
}

// A LogComparison is what a directory and a log have of each other.
type LogComparison struct {
	// Another is set where the log is not the one that the directory counts with; the rest is
	// 0 then.
	Another bool
	// Unread is how much the log has behind what the directory has merged of it, its own
	// frames among it.
	Unread uint64
	// Lacks is how many frames shared states have that the directory lacks, and Untold how
	// many of its own are in no shared state and not in the log.
	Lacks, Untold uint64
}

// CompareWithLog compares what a directory knows of its log with the log of a Config. It
// changes nothing.
func CompareWithLog(ctx context.Context, config Config, known *cluster.Membership) (compared LogComparison, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	connection, err := openToLook(ctx, config)
	if err != nil {
		return compared, err
	}
	defer connection.Close()
	_, last, err := connection.Log.Bounds(ctx)
	if err != nil {
		return compared, err
	}
	position := known.Covered.Position
	if position.Epoch != last.Epoch {
		return LogComparison{Another: true}, nil
	}
	covers, err := connection.Shared.Covers(ctx)
	if err != nil && !errors.Is(err, cluster.ErrNoState) {
		return compared, err
	}
	shared := &cluster.Covered{}
	for _, covered := range covers {
		shared.Merge(covered)
	}
	told, err := cluster.LastSequence(ctx, connection.Log, connection.Shared, known.Origin)
	if err != nil {
		return compared, err
	}
	return LogComparison{
		Unread: last.Sequence - min(last.Sequence, position.Sequence),
		Lacks:  known.Covered.Lacks(shared),
		Untold: known.Sequence - min(known.Sequence, told),
	}, nil
}

func openToLook(ctx context.Context, config Config) (*natslog.Connection, error) {
	if config.Log.URL == "" {
		return nil, errNoLog
	}
	return natslog.Open(ctx, config.Log.options(config))
}

// AdoptLog has a directory, on which no server runs, count with the log that is there.
func AdoptLog(ctx context.Context, config Config) (epoch string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	config = config.withDefaults()
	connection, err := openToLook(ctx, config)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	_, last, err := connection.Log.Bounds(ctx)
	if err != nil {
		return "", err
	}
	options := config.keeperOptions(nil)
	options.Durability = snapshot.Always
	return last.Epoch.String(), member.AdoptLog(ctx, options, last.Epoch)
}
