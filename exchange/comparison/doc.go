// Package comparison says how counts differ from the answers of a server, the replaced
// one or one of this kind. It is given both, and does no I/O.
package comparison
