package natslog

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"stats-recorder/cluster"
)

const (
	// chunkBytes is how much of a state goes into a message.
	chunkBytes = 512 << 10
	// orphanAge is how long chunks that no object names are left alone: they may be of
	// a Put that is under way.
	orphanAge = time.Hour
	// coversKey is where an object's metadata has the vector, in base64.
	coversKey = "covers"
)

// Shared is a cluster.Shared on an object store bucket: the format of NATS' ADR-20,
// so that its tools can list and fetch states. The chunks are published here, one
// after the other, and the object only after them. The client library's own Put
// publishes both at once, and leaves an object without its chunks where the bucket
// has no room for them.
//
// A node has two objects, <origin>-0 and <origin>-1, written in turn, so that a
// reader of one is not overtaken by the next Put.
type Shared struct {
	stream *kept
	bucket string
	logger *slog.Logger
}

func openShared(ctx context.Context, js jetstream.JetStream, options Options) (*Shared, error) {
	bucket := options.Stream + bucketSuffix
	stream, err := openKept(ctx, js, jetstream.StreamConfig{
		Name:        "OBJ_" + bucket,
		Description: "states of stats-recorder nodes, for each other",
		Subjects:    []string{"$O." + bucket + ".C.>", "$O." + bucket + ".M.>"},
		Replicas:    options.Replicas,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    options.MaxBytes,
		AllowRollup: true,
	}, 0, options.Timeout)
	if err != nil {
		return nil, err
	}
	logger := options.Logger.With("bucket", bucket)
	return &Shared{stream: stream, bucket: bucket, logger: logger}, nil
}

// Put is described at cluster.Shared.
func (s *Shared) Put(ctx context.Context, node cluster.Origin, covers *cluster.Covered, state io.Reader) error {
	states, err := s.list(ctx)
	if err != nil {
		return err
	}
	if before := newestOf(node, states); before != nil && covers.Behind(before.covered) {
		return fmt.Errorf("bucket %q: %w: %s shared a state that has more", s.bucket, cluster.ErrBehind, node)
	}
	name, replaced := slotOf(node, states)
	info := &jetstream.ObjectInfo{Bucket: s.bucket, NUID: rand.Text(), ObjectMeta: jetstream.ObjectMeta{
		Name:     name,
		Metadata: map[string]string{coversKey: base64.StdEncoding.EncodeToString(covers.AppendTo(nil))},
		Opts:     &jetstream.ObjectMetaOptions{ChunkSize: chunkBytes},
	}}
	if err := s.putChunks(ctx, info, state); err != nil {
		return fmt.Errorf("bucket %q: state of %s: %w", s.bucket, node, err)
	}
	if err := s.putObject(ctx, info); err != nil {
		return fmt.Errorf("bucket %q: state of %s: %w", s.bucket, node, err)
	}
	if err := s.sweep(ctx, info, replaced, states); err != nil {
		s.logger.Warn("chunks of states that were replaced stay in the bucket until a later state is shared", "error", err)
	}
	return nil
}

// slotOf is the name of the object to write for a node: the one that was written
// longer ago, which is returned too if it is there.
func slotOf(node cluster.Origin, states []sharedState) (name string, replaced *sharedState) {
	var slots [2]*sharedState
	for i, state := range states {
		if state.node == node {
			slots[state.slot] = &states[i]
		}
	}
	slot := 0
	if slots[0] != nil && (slots[1] == nil || slots[1].at < slots[0].at) {
		slot = 1
	}
	return fmt.Sprintf("%s-%d", node, slot), slots[slot]
}

func (s *Shared) putChunks(ctx context.Context, info *jetstream.ObjectInfo, state io.Reader) error {
	sum := sha256.New()
	chunk := make([]byte, chunkBytes)
	for {
		n, err := io.ReadFull(state, chunk)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if n > 0 {
			sum.Write(chunk[:n])
			info.Size += uint64(n)
			info.Chunks++
			if _, err := s.stream.publish(ctx, &nats.Msg{Subject: s.chunkSubject(info.NUID), Data: chunk[:n]}); err != nil {
				return err
			}
		}
		if err != nil {
			info.Digest = digest(sum)
			return nil
		}
	}
}

func digest(sum hash.Hash) string {
	return "SHA-256=" + base64.URLEncoding.EncodeToString(sum.Sum(nil))
}

// putObject names the chunks as a state, after which it can be read. Those of a Put
// that was paused for longer than orphanAge may be gone.
func (s *Shared) putObject(ctx context.Context, info *jetstream.ObjectInfo) error {
	stored, err := s.info(ctx, ".C."+info.NUID)
	if err != nil {
		return err
	}
	if have := stored.State.Subjects[s.chunkSubject(info.NUID)]; have != uint64(info.Chunks) {
		return fmt.Errorf("the bucket has %d of its %d chunks", have, info.Chunks)
	}
	data, err := json.Marshal(info)
	if err != nil {
		return err
	}
	subject := "$O." + s.bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(info.Name))
	_, err = s.stream.publish(ctx, &nats.Msg{
		Subject: subject,
		Header:  nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}},
		Data:    data,
	})
	return err
}

func (s *Shared) chunkSubject(id string) string { return "$O." + s.bucket + ".C." + id }

// sweep removes the chunks of the state that was replaced, and of those whose Put
// did not end. The states are those from before the Put.
func (s *Shared) sweep(ctx context.Context, written *jetstream.ObjectInfo, replaced *sharedState, states []sharedState) error {
	live := map[string]bool{s.chunkSubject(written.NUID): true}
	for _, state := range states {
		live[s.chunkSubject(state.info.NUID)] = true
	}
	if replaced != nil {
		if err := s.stream.purge(ctx, jetstream.WithPurgeSubject(s.chunkSubject(replaced.info.NUID))); err != nil {
			return err
		}
	}
	info, err := s.info(ctx, ".C.>")
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		if live[subject] {
			continue
		}
		last, err := s.stream.last(ctx, subject)
		if err != nil || last == nil {
			return err
		}
		if info.TimeStamp.Sub(last.Time) < orphanAge {
			continue
		}
		if err := s.stream.purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return err
		}
	}
	return nil
}

// info is what the leader says of the bucket, with the subjects that end in a pattern.
func (s *Shared) info(ctx context.Context, pattern string) (*jetstream.StreamInfo, error) {
	return s.stream.info(ctx, jetstream.WithSubjectFilter("$O."+s.bucket+pattern))
}

// A sharedState is what an object says of itself.
type sharedState struct {
	node    cluster.Origin
	slot    int
	at      uint64 // of the object in the bucket's stream: later objects are newer
	covered *cluster.Covered
	info    jetstream.ObjectInfo
}

// list reads what all objects of nodes say of themselves. Objects of other names
// are somebody else's.
func (s *Shared) list(ctx context.Context) ([]sharedState, error) {
	info, err := s.info(ctx, ".M.>")
	if err != nil {
		return nil, err
	}
	var states []sharedState
	for subject := range info.State.Subjects {
		message, err := s.stream.last(ctx, subject)
		if err != nil {
			return nil, fmt.Errorf("bucket %q: %w", s.bucket, err)
		}
		if message == nil {
			continue
		}
		state, ours, err := parseState(message)
		if err != nil {
			return nil, fmt.Errorf("bucket %q: object %q: %w", s.bucket, state.info.Name, err)
		}
		if ours {
			states = append(states, state)
		}
	}
	return states, nil
}

func parseState(message *jetstream.RawStreamMsg) (state sharedState, ours bool, err error) {
	if err := json.Unmarshal(message.Data, &state.info); err != nil {
		return state, false, fmt.Errorf("%w: %w", cluster.ErrMalformed, err)
	}
	name, slot, found := strings.Cut(state.info.Name, "-")
	node, err := cluster.ParseOrigin(name)
	if err != nil || !found || slot != "0" && slot != "1" || state.info.Deleted {
		return state, false, nil
	}
	encoded, err := base64.StdEncoding.DecodeString(state.info.Metadata[coversKey])
	if err != nil {
		return state, false, fmt.Errorf("%w: its vector: %w", cluster.ErrMalformed, err)
	}
	if state.covered, err = cluster.DecodeCovered(encoded); err != nil {
		return state, false, err
	}
	state.node, state.slot, state.at = node, int(slot[0]-'0'), message.Sequence
	return state, true, nil
}

// Covers is described at cluster.Shared.
func (s *Shared) Covers(ctx context.Context) (map[cluster.Origin]*cluster.Covered, error) {
	states, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	covers := map[cluster.Origin]*cluster.Covered{}
	for _, state := range states {
		covers[state.node] = newestOf(state.node, states).covered
	}
	return covers, nil
}

// newestOf is the state that was put last for a node, nil if there is none.
func newestOf(node cluster.Origin, states []sharedState) *sharedState {
	var newest *sharedState
	for i, state := range states {
		if state.node == node && (newest == nil || newest.at < state.at) {
			newest = &states[i]
		}
	}
	return newest
}

// Newest is described at cluster.Shared.
func (s *Shared) Newest(ctx context.Context, epoch cluster.Epoch, other *cluster.Covered) (*cluster.Covered, io.ReadCloser, error) {
	states, err := s.list(ctx)
	if err != nil {
		return nil, nil, err
	}
	var newest *sharedState
	for i := range states {
		state := &states[i]
		if state.covered.Position.Epoch == epoch && state.covered.HasBeyond(other) && (newest == nil || newest.before(state)) {
			newest = state
		}
	}
	if newest == nil {
		return nil, nil, fmt.Errorf("bucket %q: %w for log %s", s.bucket, cluster.ErrNoState, epoch)
	}
	reader := &chunkReader{ctx: ctx, shared: s, info: newest.info, sum: sha256.New()}
	return newest.covered, reader, nil
}

// before orders states by how far they are in the log. Of two as far, the one that
// was put later has at least as much.
func (s *sharedState) before(other *sharedState) bool {
	mine, theirs := s.covered.Position.Sequence, other.covered.Position.Sequence
	return mine < theirs || mine == theirs && s.at < other.at
}
