package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	streamName = "stats-recorder"
	// duplicateWindow is the shortest that the servers take: a frame that is repeated later
	// is in the log twice.
	duplicateWindow = 100 * time.Millisecond
	frameID         = jetstream.MsgIDHeader
)

// A stream is the log as its operator sees it.
type stream struct {
	conn *nats.Conn
	js   jetstream.JetStream
	// upTo is how far duplicates were looked for, and seen the frames until there, by ID.
	upTo uint64
	seen map[string]bool
	// frames and duplicates are how many there were in all streams until there.
	frames, duplicates int
}

func openStream(ctx context.Context, urls string) (*stream, error) {
	conn, err := nats.Connect(urls, nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond), nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	s := &stream{conn: conn, js: js, seen: map[string]bool{}}
	if err == nil {
		err = s.shortenWindow(ctx)
	}
	return s, err
}

func (s *stream) close() { s.conn.Close() }

// again does something until it succeeds, as it does once the servers have a leader.
func again(ctx context.Context, do func(context.Context) error) error {
	deadline := time.Now().Add(patience)
	for {
		try, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := do(try)
		cancel()
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		rest(ctx, 100*time.Millisecond)
	}
}

// info waits until the stream has a leader.
func (s *stream) info(ctx context.Context) (info *jetstream.StreamInfo, err error) {
	err = again(ctx, func(ctx context.Context) error {
		handle, err := s.js.Stream(ctx, streamName)
		if err != nil {
			return err
		}
		info = handle.CachedInfo()
		if info.Cluster == nil || info.Cluster.Leader == "" {
			return errors.New("the stream has no leader")
		}
		return nil
	})
	return info, err
}

// shortenWindow has the servers forget at once which frames they have.
func (s *stream) shortenWindow(ctx context.Context) error {
	info, err := s.info(ctx)
	if err != nil {
		return err
	}
	info.Config.Duplicates = duplicateWindow
	return again(ctx, func(ctx context.Context) error {
		_, err := s.js.UpdateStream(ctx, info.Config)
		return err
	})
}

// whole waits until each server has all that the leader has.
func (s *stream) whole(ctx context.Context) error {
	return again(ctx, func(ctx context.Context) error {
		info, err := s.info(ctx)
		if err != nil {
			return err
		}
		if len(info.Cluster.Replicas) < 2 {
			return fmt.Errorf("the stream has %d followers", len(info.Cluster.Replicas))
		}
		for _, replica := range info.Cluster.Replicas {
			if !replica.Current || replica.Offline {
				return fmt.Errorf("%s is behind", replica.Name)
			}
		}
		return nil
	})
}

// repeat stores the last frames again, as servers do that promise to recognise them and do
// not.
func (s *stream) repeat(ctx context.Context, count int) error {
	info, err := s.info(ctx)
	if err != nil {
		return err
	}
	return again(ctx, func(ctx context.Context) error {
		handle, err := s.js.Stream(ctx, streamName)
		if err != nil {
			return err
		}
		last := info.State.LastSeq
		for at := max(info.State.FirstSeq, last-min(last, uint64(count))+1); at <= last; at++ {
			message, err := handle.GetMsg(ctx, at)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			for _, condition := range []string{jetstream.ExpectedLastSubjSeqHeader, jetstream.ExpectedStreamHeader} {
				message.Header.Del(condition) // it held, and does not hold now
			}
			if _, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: message.Subject, Header: message.Header, Data: message.Data}); err != nil {
				return err
			}
		}
		return nil
	})
}

// delete deletes the stream.
func (s *stream) delete(ctx context.Context) error {
	if err := s.count(ctx); err != nil {
		return err
	}
	s.upTo = 0
	clear(s.seen) // nodes rightly tell another stream again
	return again(ctx, func(ctx context.Context) error {
		err := s.js.DeleteStream(ctx, streamName)
		if errors.Is(err, jetstream.ErrStreamNotFound) { // the answer before was lost
			return nil
		}
		return err
	})
}

// count looks for frames that are in the stream twice.
func (s *stream) count(ctx context.Context) error {
	info, err := s.info(ctx)
	if err != nil || info.State.LastSeq <= s.upTo {
		return err
	}
	return again(ctx, func(ctx context.Context) error {
		consumer, err := s.js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: s.upTo + 1, HeadersOnly: true,
		})
		if err != nil {
			return err
		}
		for s.upTo < info.State.LastSeq {
			message, err := consumer.Next(jetstream.FetchContext(ctx))
			if err != nil {
				return err
			}
			metadata, err := message.Metadata()
			if err != nil {
				return err
			}
			if metadata.Sequence.Stream <= s.upTo {
				continue
			}
			s.upTo = metadata.Sequence.Stream
			s.frames++
			if id := message.Headers().Get(frameID); s.seen[id] {
				s.duplicates++
			} else {
				s.seen[id] = true
			}
		}
		return nil
	})
}
