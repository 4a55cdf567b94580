// Package spool holds answers that need not fit into memory: pages, as long as there
// is room for them, and behind these a file without a name. Whatever the size of an
// answer and however slowly a client takes it, all spools of a pool together keep no
// more in memory than the room that they were given, and a page each.
package spool
