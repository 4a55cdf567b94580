// Package cluster lets several nodes count as one over a log that they share.
//
// The one idea: a node's counts leave it as frames, each numbered by the node
// that made it, and a state says by a vector which frames it has. Merging is
// commutative, so order does not matter; the vector says whether a frame is new,
// so repetition does not matter either. All else follows: a frame may be
// appended again until an answer comes, a log may hold it twice, a state may be
// loaded from any node and the log be read from where that state is, and every
// node ends with the same sums. The log's own promises (deduplication windows,
// ordering) save work. They are never what a count depends on.
//
// The parts, from small to large:
//
//	Origin    who makes frames: a data directory, by a random number
//	Frame     counts of one origin, under its next sequence number
//	Covered   the vector: which frames a state has
//	Position  a place in the log
//	Log       frames of all origins in one order, durable
//	Shared    whole states, for nodes that come new or late
//
// What a node must keep, beside that. Each rule is one that the simulation fails
// without:
//
//   - At start it compares LastSequence with its journal. If the log knows more, what it
//     seals from now on has a new origin. What its journal has keeps its numbers.
//   - It publishes the frames of its journal in order, each until it is known to be in
//     the log. At ErrFenced it does what it does at a start. At ErrTaken the frame, and
//     only that, goes out renumbered (Frame.Renumbered), and the state, which has the
//     number for that frame, is made anew from a shared one.
//   - It shares a state only when the log has all of its own frames in it.
//   - It keeps frames after they are published, and appends again what a state lacks
//     whose position is behind them, even the last one of an origin: no later one need
//     show that it is missing.
//   - After ErrTrimmed it loads the furthest state. What the log lacks behind that
//     state's position was lost, not trimmed, and is read over.
//
// Two things are beyond all this. A frame is gone when the log and its node's disk
// both lose it before another has merged it. And a node that is restored from two
// backups in turn may bring frames that the log never took, under numbers that it took
// in between and was trimmed of: nobody can tell them from frames that are counted.
//
// Log and Shared are interfaces. Package natslog has them on NATS JetStream, and
// is the only one that knows it; package clustertest has them in memory, with
// the faults of a network, and the suite that every implementation must pass;
// package fence is what implementations share: appending as the only writer of
// an origin.
package cluster
