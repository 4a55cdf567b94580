// Package disk changes the disk, and is the only place that does: each operation has
// a failpoint before and after it, and an error that names the path. It also knows
// the names of the files in a data directory.
//
// The kinds of operations name the failpoints: "journal.sync.before" is the moment
// before syncing a file for the journal. See failpoint_on.go.
package disk
