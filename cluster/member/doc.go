// Package member joins a keeper to a log, so that the node counts as one with others.
//
// The one idea: what is counted here leaves as frames that are noted in the journal
// before the log gets them, and what others counted enters by commits that note which
// frames they have. So counts and what is known of them are never apart, and each step
// can be repeated after a crash. The log may be away at any time: then what is counted
// gathers, added up, and is one frame when it is back.
//
// The parts, in the way of a count:
//
//	outbox     gathers what commits have (the keeper's Follower)
//	join       what a node does when it meets the log: who am I, what did I not tell,
//	           may I read on from where I am
//	send       makes frames of what gathered, notes them, and appends them, one at a time
//	merge      reads the frames of others and merges what came within a second
//	imports    announces what was imported into a stopped node, and counts it as all do
//	expire     tells of days that are past RETENTION; they go once two nodes say so
//	share      puts the state where others find it, releases the journal of frames
//	           that most nodes have, trims the log, and appends again what it lost
//	Adopt      makes the directory what a shared state is: for nodes new or late
//
// A session is all that between two failures that need a new look at the log.
package member
