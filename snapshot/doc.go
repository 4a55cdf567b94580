// Package snapshot is the truth on disk: it keeps a counters.Store durable and
// brings it back.
//
// A Keeper owns the data directory and the one goroutine that commits. Each
// commit seals what has gathered in the store, writes it as one frame to the
// journal, syncs, wakes those who wait, and folds it into the base. From time
// to time the base is written as a snapshot, after which older journal files
// go. Open does the way back: the newest good snapshot, then the frames after
// it, each once. Ahead of the frames lies a runway of zeros, so that syncing one
// is cheap (runway.go). Where to start reading: committer.go, then journal.go and
// snapshotter.go, which it commands; history.go for readers.
//
// The rooms below: recovery reads a directory, format is between bytes and counts, disk
// changes files. Beside them, salvage is for people.
//
// The files of a data directory:
//
//	LOCK                     held by the process that owns the directory
//	snapshot-<sequence>      all counts up to and with that sequence number
//	journal-<sequence>       frames from that sequence number on
//	day-<date>-<sequence>    a closed day; it counts if the snapshot lists it
//	closing-<sequence>       while days are closed for that snapshot
//	before-repair-<time>/    what Repair has copied aside
//	<one of these>.tmp       being written; removed at the next start
//	<one of these>.damaged   moved aside by a start that could do without it
//
// Sequence numbers count commits, from 1, never reused once durable. They are
// 16 hexadecimal digits in a name, so that names sort by them. Order goes by
// them, never by a clock, which only says which days are over, and is believed as far as
// a judge believes it (judge.go, almanac.go).
package snapshot
