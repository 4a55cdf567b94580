// Package backup takes the counts of a data directory elsewhere, and back.
//
// The one idea: what a directory holds is a generation, which is a snapshot, the files of
// closed days that this lists, and the journal after it. Files of a generation never
// change, or only grow, so a backup holds them open, checks them, and reads them at
// leisure: it takes no lock, writes nothing to the directory and asks the server nothing.
// A file that is removed before it is open belongs to an older generation: then the
// newest is looked for again.
//
//	Manifest      what a backup holds: names, sizes and SHA-256 of files   manifest.go
//	Hold          the newest generation of a directory, checked            hold.go
//	WriteArchive  one as a file: tar, compressed by zstd                   archive.go
//	Source        where a backup is read from                              source.go
//	Restore       from a source to an empty directory                      restore.go
//
// Package objectstore, below, keeps generations in object storage.
package backup
