// Package recovery reads a data directory: it finds the newest state that the files
// hold, and says what is wrong with them. It changes nothing, on disk or by itself.
package recovery
