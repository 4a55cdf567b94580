// Package natslog is cluster.Log and cluster.Shared on NATS JetStream: a stream
// and an object store bucket on three or five nats-servers that run beside the
// recorders. Importing it starts nothing; Open does.
//
// Setup of the servers. Everything that a client can see is checked by Open, and
// again by calls that ask the stream about itself, and refused in words. One thing
// it cannot see: a server must have
//
//	jetstream { sync_interval: always }
//
// Without it a server acknowledges before it syncs, and up to two minutes of
// acknowledged frames go when all servers lose power at once. With it, and with
// replicas, only Raft's own log syncs each append, so it costs little.
//
// How it works. Each origin's frames go under a subject of their own, so that
// JetStream's Expected-Last-Subject-Sequence is the conditional append that package
// fence wants. A message has four headers: that one; the expected stream; Msg-Id,
// the cluster.FrameID; and the highest sequence of the origin. One frame of an
// origin is under way at a time: a window of frames is far longer than the way to
// the servers and back.
//
// A reader is a pull consumer in the memory of one server, without acknowledgements.
// Nothing of it is kept; the position is the reader's.
//
// The epoch is made of the time at which the stream was made, to the nanosecond,
// which all replicas share and keep. A stream that is restored from a backup of
// its servers has the epoch of the stream it was: positions then may be beyond its
// end (cluster.ErrBehind), and the vectors show what it lost.
package natslog
