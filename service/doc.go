// Package service is what a running process is made of: in which order its parts
// start, reload and stop, and every setting that says how.
//
// Run recovers the data directory, binds the addresses and serves until its
// context ends; then it answers what has come, saves and returns. Everything that
// depends on the time of day gets it from Config.Now.
//
// A setting is one row of the table in settings.go.
package service
