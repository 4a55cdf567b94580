package natslog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
)

// versionKey is where a server of 2.11 or newer says its version in what it tells of a
// stream: that of the stream's leader.
const versionKey = serversPrefix + "ver"

// serversPrefix begins the keys that servers write themselves.
const serversPrefix = "_nats."

// kept is a stream of ours: the log, or that of the bucket. Each request to it is
// bounded by the timeout.
type kept struct {
	js       jetstream.JetStream
	handle   jetstream.Stream
	name     string
	want     jetstream.StreamConfig
	leastAge time.Duration
	timeout  time.Duration
}

// openKept finds a stream, or makes it as wanted, and checks it.
func openKept(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, leastAge, timeout time.Duration) (*kept, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	handle, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		// Other nodes may do the same at this moment. Making it twice is fine if it is
		// the same; if not, the first one is checked.
		handle, err = js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			handle, err = js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("stream %q: %w", want.Name, unsuitable(err))
	}
	k := &kept{js: js, handle: handle, name: want.Name, want: want, leastAge: leastAge, timeout: timeout}
	return k, k.check(handle.CachedInfo())
}

// unsuitable is the error of making a stream, as package cluster names it.
func unsuitable(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == codeNotClustered {
		return fmt.Errorf("%w: the server is alone: run three that know each other: %w", cluster.ErrUnsuitable, err)
	}
	return err
}

// info is what the leader says of the stream, which is checked.
func (k *kept) info(ctx context.Context, options ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	info, err := k.handle.Info(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("stream %q: %w", k.name, err)
	}
	return info, k.check(info)
}

// last is the last message of a subject, as the leader has it; nil if there is none.
func (k *kept) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	message, err := k.handle.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("stream %q: last message of %q: %w", k.name, subject, err)
	}
	return message, nil
}

// publish stores a message. The error is named as refusal does.
func (k *kept) publish(ctx context.Context, message *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	ack, err := k.js.PublishMsg(ctx, message, append(options, jetstream.WithExpectStream(k.name))...)
	if err != nil {
		return nil, refusal(err)
	}
	return ack, nil
}

func (k *kept) purge(ctx context.Context, what jetstream.StreamPurgeOpt) error {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	if err := k.handle.Purge(ctx, what); err != nil {
		return fmt.Errorf("stream %q: purging: %w", k.name, err)
	}
	return nil
}

// edit changes what may be changed of how the stream is set up.
func (k *kept) edit(ctx context.Context, change func(*jetstream.StreamConfig)) error {
	info, err := k.info(ctx)
	if err != nil {
		return err
	}
	config := info.Config
	config.Metadata = map[string]string{}
	for key, value := range info.Config.Metadata {
		if !strings.HasPrefix(key, serversPrefix) {
			config.Metadata[key] = value
		}
	}
	change(&config)
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	if _, err := k.js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("stream %q: %w", k.name, err)
	}
	return nil
}

func (k *kept) check(info *jetstream.StreamInfo) error {
	if version, ok := info.Config.Metadata[versionKey]; ok {
		if err := checkVersion(leaderOf(info), version); err != nil {
			return err
		}
	}
	if problems := k.problems(info.Config); len(problems) > 0 {
		return fmt.Errorf("stream %q: %w: %s", k.name, cluster.ErrUnsuitable, strings.Join(problems, "; "))
	}
	return nil
}

func leaderOf(info *jetstream.StreamInfo) string {
	if info.Cluster == nil {
		return ""
	}
	return info.Cluster.Leader
}

// problems are all that could lose or change messages, each with how to mend it.
// What is not named here may be set as an operator likes.
func (k *kept) problems(have jetstream.StreamConfig) []string {
	var problems []string
	refuse := func(when bool, problem string, values ...any) {
		if when {
			problems = append(problems, fmt.Sprintf(problem, values...))
		}
	}
	edit := "nats stream edit " + k.name
	refuse(have.Replicas < k.want.Replicas, "it has %d replicas, want %d, or one disk is the only copy: %s --replicas=%d", have.Replicas, k.want.Replicas, edit, k.want.Replicas)
	refuse(have.Discard != jetstream.DiscardNew, "it discards old messages when full, before nodes have read them: %s --discard=new", edit)
	refuse(have.MaxBytes <= 0, "it has no limit of bytes, and would fill the servers' disks: %s --max-bytes=%d", edit, k.want.MaxBytes)
	refuse(have.MaxMsgs > 0, "it holds at most %d messages, want no such limit: %s --max-msgs=-1", have.MaxMsgs, edit)
	refuse(have.MaxMsgsPerSubject > 0, "it holds at most %d messages of a subject, want no such limit: %s --max-msgs-per-subject=-1", have.MaxMsgsPerSubject, edit)
	refuse(have.MaxMsgSize > 0 && int64(have.MaxMsgSize) < leastPayload, "it takes messages of at most %d bytes, want %d or no limit: %s --max-msg-size=-1", have.MaxMsgSize, leastPayload, edit)
	refuse(have.MaxAge > 0 && (k.leastAge == 0 || have.MaxAge < k.leastAge), "it drops messages after %s, want %s: %s --max-age=%s", have.MaxAge, ageText(k.leastAge), edit, ageText(k.leastAge))
	refuse(have.AllowDirect, "it lets replicas that are behind answer: %s --no-allow-direct", edit)
	refuse(have.AllowRollup != k.want.AllowRollup, "rolling up is allowed: %t, want %t: %s", have.AllowRollup, k.want.AllowRollup, edit)
	refuse(have.Sealed || have.DenyPurge, "it cannot be trimmed: make it anew without sealing and deny_purge")
	refuse(have.Retention != jetstream.LimitsPolicy || have.Storage != jetstream.FileStorage || have.NoAck || have.PersistMode != jetstream.DefaultPersistMode,
		"it has retention %s, storage %s, no_ack %t and persist mode %d, want Limits, File, false and 0: make it anew", have.Retention, have.Storage, have.NoAck, have.PersistMode)
	refuse(have.Mirror != nil || len(have.Sources) > 0 || have.SubjectTransform != nil || have.AllowMsgTTL || have.AllowMsgCounter || have.AllowMsgSchedules || have.FirstSeq > 1,
		"it mirrors, has sources, transforms, counts, schedules, lets messages expire or does not begin at 1: make it anew without")
	refuse(strings.Join(have.Subjects, ",") != strings.Join(k.want.Subjects, ","), "it has the subjects %q, want %q: %s", have.Subjects, k.want.Subjects, edit)
	return problems
}

func ageText(age time.Duration) string {
	if age == 0 {
		return "0 (never)"
	}
	return age.String()
}

// epochOf tells streams of one name apart: by when they were made.
func epochOf(info *jetstream.StreamInfo) cluster.Epoch {
	b := binary.BigEndian.AppendUint64(nil, uint64(info.Created.UnixNano()))
	sum := sha256.Sum256(append(b, info.Config.Name...))
	return cluster.Epoch(sum[:16])
}
