package natslog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
	"stats-recorder/cluster/fence"
)

// highestHeader holds the highest sequence number of the origin, in decimal, at
// the time when the frame was appended.
const highestHeader = "Recorder-Highest"

// Codes with which JetStream refuses, see its errors.json.
const (
	codeStoreFailed       = jetstream.ErrorCode(10077)
	codeTooLarge          = jetstream.ErrorCode(10054)
	codeNotClustered      = jetstream.ErrorCode(10074)
	codeDuplicateUnderWay = jetstream.ErrorCode(10158)
)

// A Log is a cluster.Log on a stream.
type Log struct {
	stream *kept
	epoch  cluster.Epoch
	fence  *fence.Fence
	link   *link
}

func openLog(ctx context.Context, js jetstream.JetStream, link *link, options Options) (*Log, error) {
	stream, err := openKept(ctx, js, jetstream.StreamConfig{
		Name:        options.Stream,
		Description: "counts of stats-recorder nodes, for each other",
		Subjects:    []string{options.Stream + ".*"},
		Replicas:    options.Replicas,
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxAge:      options.MaxAge,
		MaxBytes:    options.MaxBytes,
		Duplicates:  min(options.DuplicateWindow, options.MaxAge),
	}, options.MaxAge, options.Timeout)
	if err != nil {
		return nil, err
	}
	log := &Log{stream: stream, epoch: epochOf(stream.handle.CachedInfo()), link: link}
	log.fence = fence.New(engine{log})
	return log, nil
}

// Append is described at cluster.Log.
func (l *Log) Append(ctx context.Context, frame cluster.Frame) (cluster.Position, error) {
	at, err := l.fence.Append(ctx, frame)
	if l.link.note(err) != nil {
		return cluster.Position{}, fmt.Errorf("stream %q: %w", l.stream.name, err)
	}
	return l.position(at), nil
}

// Bounds is described at cluster.Log.
func (l *Log) Bounds(ctx context.Context) (first, last cluster.Position, err error) {
	info, err := l.info(ctx)
	if l.link.note(err) != nil {
		return first, last, err
	}
	return l.position(firstSequence(info)), l.position(info.State.LastSeq), nil
}

// firstSequence is one above the last if there is no message: an empty stream that
// was never written has 0.
func firstSequence(info *jetstream.StreamInfo) uint64 {
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1
	}
	return info.State.FirstSeq
}

// LastOf is described at cluster.Log.
func (l *Log) LastOf(ctx context.Context, origin cluster.Origin) (uint64, cluster.Position, error) {
	tail, err := engine{l}.Tail(ctx, origin)
	if err != nil || tail.At == 0 {
		return 0, cluster.Position{}, err
	}
	return tail.Highest, l.position(tail.At), nil
}

// Trim is described at cluster.Log. A stream that is made anew at the very moment
// would be trimmed instead; JetStream has no condition for it.
func (l *Log) Trim(ctx context.Context, below cluster.Position) error {
	if err := l.same(below); err != nil {
		return err
	}
	info, err := l.info(ctx)
	if err != nil {
		return err
	}
	// What comes from now on is never trimmed.
	sequence := min(below.Sequence, info.State.LastSeq+1)
	if sequence <= firstSequence(info) {
		return nil
	}
	return l.stream.purge(ctx, jetstream.WithPurgeSequence(sequence))
}

// info is what the stream's leader says of it, if it is the stream that was opened.
func (l *Log) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	info, err := l.stream.info(ctx)
	if err != nil {
		return nil, err
	}
	if epoch := epochOf(info); epoch != l.epoch {
		return nil, fmt.Errorf("stream %q: %w: it is %s, made %s; %s was opened", l.stream.name, cluster.ErrEpoch, epoch, info.Created, l.epoch)
	}
	return info, nil
}

// same fails if a position is of another log.
func (l *Log) same(position cluster.Position) error {
	if position != (cluster.Position{}) && position.Epoch != l.epoch {
		return fmt.Errorf("stream %q: %w: it is %s, the position is of %s", l.stream.name, cluster.ErrEpoch, l.epoch, position.Epoch)
	}
	return nil
}

func (l *Log) position(sequence uint64) cluster.Position {
	return cluster.Position{Epoch: l.epoch, Sequence: sequence}
}

func (l *Log) subject(origin cluster.Origin) string {
	return l.stream.name + "." + origin.String()
}

// addTimeout bounds how long a frame waits to be stored before it is sent again. One that
// meets a stream without a leader is never answered, and counts that are on one disk alone
// wait behind it. To send one twice costs little: it is stored once.
const addTimeout = time.Second

// engine is the stream as package fence wants it.
type engine struct{ *Log }

// Tail asks the leader for the last message of the subject.
func (e engine) Tail(ctx context.Context, origin cluster.Origin) (fence.Tail, error) {
	message, err := e.stream.last(ctx, e.subject(origin))
	if err != nil {
		return fence.Tail{}, err
	}
	if _, err := e.info(ctx); err != nil || message == nil {
		return fence.Tail{}, err
	}
	id, err := idOf(message.Header, origin)
	if err != nil {
		return fence.Tail{}, fmt.Errorf("stream %q at %d: %w", e.stream.name, message.Sequence, err)
	}
	highest, err := strconv.ParseUint(message.Header.Get(highestHeader), 10, 64)
	if err != nil || highest < id.Sequence {
		return fence.Tail{}, fmt.Errorf("stream %q at %d: %w: header %s is %q", e.stream.name, message.Sequence, cluster.ErrMalformed, highestHeader, message.Header.Get(highestHeader))
	}
	return fence.Tail{At: message.Sequence, ID: id, Highest: highest}, nil
}

func idOf(header nats.Header, origin cluster.Origin) (cluster.FrameID, error) {
	id, err := cluster.ParseFrameID(header.Get(jetstream.MsgIDHeader))
	if err == nil && id.Origin != origin {
		err = fmt.Errorf("%w: a frame of %s under the subject of %s", cluster.ErrMalformed, id.Origin, origin)
	}
	return id, err
}

// Add publishes a message. A stream that was made anew meanwhile refuses it, unless
// it is the origin's first there, which is looked at afterwards.
func (e engine) Add(ctx context.Context, entry fence.Entry) (uint64, bool, error) {
	message := &nats.Msg{
		Subject: e.subject(entry.ID.Origin),
		Header:  nats.Header{highestHeader: {strconv.FormatUint(entry.Highest, 10)}},
		Data:    entry.Encoded,
	}
	waiting, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	ack, err := e.stream.publish(waiting, message,
		jetstream.WithMsgID(entry.ID.String()),
		jetstream.WithExpectLastSequencePerSubject(entry.After))
	if err != nil {
		return 0, false, err
	}
	if entry.After == 0 {
		if _, err := e.info(ctx); err != nil {
			return 0, false, err
		}
	}
	return ack.Sequence, ack.Duplicate, nil
}

// refusal is the error of a publish as package cluster or fence names it.
func refusal(err error) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", cluster.ErrTooLarge, err)
	case !errors.As(err, &api):
		return err
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant, codeDuplicateUnderWay:
		return fmt.Errorf("%w: %w", fence.ErrMoved, err)
	case codeTooLarge:
		return fmt.Errorf("%w: %w", cluster.ErrTooLarge, err)
	case codeStoreFailed:
		if api.Description == "maximum bytes exceeded" {
			return fmt.Errorf("%w: %w: trim it or raise its max-bytes", cluster.ErrFull, err)
		}
	}
	return err
}
