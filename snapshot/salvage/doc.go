// Package salvage is for people, on a directory that no server runs on: Verify says
// whether everything acknowledged is there, Repair keeps what can be read of a
// directory that a start refuses.
package salvage
