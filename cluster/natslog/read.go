package natslog

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
)

const (
	// heartbeat is how often a server says that it has nothing; a reader gives up
	// after two that did not come. A server with a busy disk may be late.
	heartbeat = 2 * time.Second
	// consumerLife is how long a server keeps a consumer that nobody asks.
	consumerLife = 30 * time.Second
	// prefetchMessages and prefetchBytes bound what a server sends ahead of the visitor.
	prefetchMessages = 512
	prefetchBytes    = 8 << 20
)

// Read is described at cluster.Log.
func (l *Log) Read(ctx context.Context, after cluster.Position, visit func(cluster.Position, cluster.Frame) error) error {
	var failed error
	err := l.read(ctx, after, func(at cluster.Position, frame cluster.Frame) error {
		failed = visit(at, frame)
		return failed
	})
	switch {
	case failed != nil: // which says nothing of the server
		return failed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return l.link.note(err)
}

func (l *Log) read(ctx context.Context, after cluster.Position, visit func(cluster.Position, cluster.Frame) error) error {
	if err := l.same(after); err != nil {
		return err
	}
	messages, _, err := l.consume(ctx, jetstream.ConsumerConfig{OptStartSeq: after.Sequence + 1})
	if err != nil {
		return err
	}
	defer messages.Stop()
	// The consumer is there: if the stream is ours now, then so is the consumer, for it
	// would be deleted with its stream.
	err = l.checkHole(ctx, after.Sequence)
	for previous := after.Sequence; err == nil; {
		previous, err = l.visitNext(ctx, messages, previous, visit)
	}
	return err
}

// consume makes a consumer that delivers from a sequence on. It also returns how
// many messages it has to deliver.
func (l *Log) consume(ctx context.Context, config jetstream.ConsumerConfig) (*delivery, uint64, error) {
	config.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
	config.AckPolicy = jetstream.AckNonePolicy
	config.InactiveThreshold = consumerLife
	config.MemoryStorage = true
	config.Replicas = 1
	making, cancel := context.WithTimeout(ctx, l.stream.timeout)
	defer cancel()
	consumer, err := l.stream.handle.CreateConsumer(making, config)
	if err != nil {
		return nil, 0, fmt.Errorf("stream %q: making a consumer: %w", l.stream.name, err)
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(prefetchMessages, prefetchBytes),
		jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return nil, 0, fmt.Errorf("stream %q: reading: %w", l.stream.name, err)
	}
	return &delivery{MessagesContext: messages, stream: l.stream.name}, consumer.CachedInfo().NumPending, nil
}

// delivery is the messages of one consumer, none of which was lost on the way.
type delivery struct {
	jetstream.MessagesContext
	stream    string
	delivered uint64
}

func (d *delivery) next(ctx context.Context) (jetstream.Msg, *jetstream.MsgMetadata, error) {
	message, err := d.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("stream %q: reading: %w", d.stream, err)
	}
	metadata, err := message.Metadata()
	if err != nil {
		return nil, nil, fmt.Errorf("stream %q: reading: %w", d.stream, err)
	}
	if d.delivered++; metadata.Sequence.Consumer != d.delivered {
		return nil, nil, fmt.Errorf("stream %q: reading: delivery %d came, want %d", d.stream, metadata.Sequence.Consumer, d.delivered)
	}
	return message, metadata, nil
}

func (l *Log) visitNext(ctx context.Context, messages *delivery, previous uint64, visit func(cluster.Position, cluster.Frame) error) (uint64, error) {
	message, metadata, err := messages.next(ctx)
	if err != nil {
		return previous, err
	}
	at := metadata.Sequence.Stream
	if at != previous+1 {
		if err := l.checkHole(ctx, previous); err != nil {
			return previous, err
		}
	}
	frame, err := cluster.DecodeFrame(message.Data())
	if err != nil {
		return previous, fmt.Errorf("stream %q at %d: %w", l.stream.name, at, err)
	}
	return at, visit(l.position(at), frame)
}

// checkHole fails if what followed a position was trimmed, or if the log ends
// before it. A hole behind which older messages remain is a loss of the engine's,
// which the vectors show.
func (l *Log) checkHole(ctx context.Context, after uint64) error {
	info, err := l.info(ctx)
	if err != nil {
		return err
	}
	if first := firstSequence(info); first > after+1 {
		return fmt.Errorf("stream %q: %w: its first frame is at %d, want %d", l.stream.name, cluster.ErrTrimmed, first, after+1)
	}
	if last := info.State.LastSeq; last < after {
		return fmt.Errorf("stream %q: %w: its last frame is at %d, want %d", l.stream.name, cluster.ErrBehind, last, after)
	}
	return nil
}

// Frames reads the headers of all frames of an origin.
func (e engine) Frames(ctx context.Context, origin cluster.Origin, visit func(at uint64, id cluster.FrameID)) error {
	messages, pending, err := e.consume(ctx, jetstream.ConsumerConfig{OptStartSeq: 1, FilterSubject: e.subject(origin), HeadersOnly: true})
	if err != nil {
		return err
	}
	defer messages.Stop()
	for pending > 0 {
		message, metadata, err := messages.next(ctx)
		if err != nil {
			return err
		}
		id, err := idOf(message.Headers(), origin)
		if err != nil {
			return fmt.Errorf("stream %q at %d: %w", e.stream.name, metadata.Sequence.Stream, err)
		}
		visit(metadata.Sequence.Stream, id)
		pending = metadata.NumPending
	}
	return nil
}
