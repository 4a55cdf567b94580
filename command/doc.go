// Package command is the command line: the server, and the other things that the
// binary can do with a data directory, one file each.
//
// Flags are made from the table of settings in package service. A command reads
// its flags, calls the room that does the work, and prints for a person.
package command
