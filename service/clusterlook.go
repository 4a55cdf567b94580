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
