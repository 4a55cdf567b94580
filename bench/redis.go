package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"stats-recorder/harness"
)

// redisTarget is a Redis of its own, doing the same increments without HTTP,
// without JSON and without making anything durable: a hash per benefit, a field
// per event type, page length and position, and one HINCRBY per record.
//
// It is given what suits it best. As many records are in flight as over HTTP,
// but on few connections with long pipelines, and hashes are hash tables from
// the first field on: small ones are lists otherwise, which is slower here.
type redisTarget struct {
	child  *harness.Process
	client *redis.Client
}

// redisConnections is about where more connections stop making Redis faster.
const redisConnections = 8

// startRedis starts the program on a free port. It keeps nothing on disk, unless it is
// the durable one: then its log of commands is synced before each answer.
func startRedis(ctx context.Context, program, directory string, kind laneKind) (*redisTarget, error) {
	address, err := harness.FreeAddress()
	if err != nil {
		return nil, fmt.Errorf("port for redis: %w", err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("port for redis: %w", err)
	}
	command := exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--dir", directory,
		"--daemonize", "no", "--save", "", "--hash-max-listpack-entries", "0")
	if kind == durableRedisLane {
		command.Args = append(command.Args, "--appendonly", "yes", "--appendfsync", "always")
	} else {
		command.Args = append(command.Args, "--appendonly", "no")
	}
	child, err := harness.Start(command)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	giveUp := context.AfterFunc(ctx, func() { _ = child.Kill() }) // Await says that it ended
	defer giveUp()
	if _, err := child.Log.Await(harness.Containing("Ready to accept connections"), 0); err != nil {
		return nil, errors.Join(ctx.Err(), err, child.Kill())
	}
	client := redis.NewClient(&redis.Options{
		Addr:                     address,
		Protocol:                 2,
		PoolSize:                 redisConnections,
		DisableIdentity:          true,
		MaxRetries:               -1, // a repeated pipeline would count twice
		ReadTimeout:              patience,
		WriteTimeout:             patience,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	return &redisTarget{child: child, client: client}, nil
}

func (t *redisTarget) plan(connections, pipeline int) (clients, depth int) {
	clients = min(connections, redisConnections)
	return clients, max(1, connections*pipeline/clients)
}

func (t *redisTarget) connect(_ context.Context, way *walk, _ manner) (client, error) {
	return &redisClient{connection: t.client.Conn(), walk: way}, nil
}

// verify compares all hashes with the ledger.
func (t *redisTarget) verify(ctx context.Context, want *harness.Ledger) error {
	have, seen := harness.NewLedger(), map[string]bool{}
	keys := t.client.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		if seen[keys.Val()] {
			continue // a scan may return a key twice
		}
		seen[keys.Val()] = true
		fields, err := t.client.HGetAll(ctx, keys.Val()).Result()
		if err != nil {
			return fmt.Errorf("read hash %q: %w", keys.Val(), err)
		}
		if err := addHash(have, keys.Val(), fields); err != nil {
			return fmt.Errorf("hash %q: %w", keys.Val(), err)
		}
	}
	if err := keys.Err(); err != nil {
		return fmt.Errorf("scan keys: %w", err)
	}
	return want.Compare(have)
}

// addHash enters the fields of one hash in a ledger.
func addHash(counts *harness.Ledger, benefit string, fields map[string]string) error {
	for field, value := range fields {
		event, position, _ := strings.Cut(field, ":")
		var total, index int
		if _, err := fmt.Sscanf(position, "%d:%d", &total, &index); err != nil {
			return fmt.Errorf("field %q: %w", field, err)
		}
		records, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("value of field %q: %w", field, err)
		}
		counts.Add(harness.Counter{Benefit: benefit, Event: event, Total: total, Index: index}, records)
	}
	return nil
}

func (t *redisTarget) usage() (usage, error) { return readUsage(t.child.ID()) }

func (t *redisTarget) stop() error { return errors.Join(t.client.Close(), t.child.Stop()) }

// redisClient is one connection that sends the records of whole requests as one
// pipeline.
type redisClient struct {
	connection *redis.Conn
	walk       *walk
	page       page
}

func (c *redisClient) exchange(requests int) (int, error) {
	ctx := context.Background()
	traffic := c.walk.traffic
	pipeline := c.connection.Pipeline()
	for ahead := range requests {
		traffic.source.load(c.walk.number(ahead), &c.page)
		field := traffic.events[c.page.event] + ":" + strconv.Itoa(c.page.total) + ":"
		for position, benefit := range c.page.benefits {
			pipeline.HIncrBy(ctx, traffic.names[benefit], field+strconv.Itoa(c.page.firstIndex+position), 1)
		}
	}
	records := pipeline.Len()
	if _, err := pipeline.Exec(ctx); err != nil {
		return 0, fmt.Errorf("pipeline of %d increments: %w", records, err)
	}
	c.walk.sent += int64(requests)
	return records, nil
}

func (c *redisClient) expire(time.Time) error { return nil } // it has timeouts of its own

func (c *redisClient) close() error { return c.connection.Close() }
