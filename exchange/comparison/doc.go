// Package comparison reads the answers of a running server, the replaced one or one of
// this kind, and says how counts differ from them.
//
// It makes requests over HTTP and does no other I/O. It is given counts, and knows none
// of the other rooms.
package comparison
