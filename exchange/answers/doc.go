// Package answers reads what a server of this kind or the replaced one answers for all
// of time: GET /benefits, a number for each benefit and event type, and GET /statistics,
// a number for each position of records of version 2.
//
// A running server is asked over HTTP, or answers that somebody has saved are read from
// files. Answers can be compared with counts, and can be turned into rows for an import.
// They have sums and no times. The package knows none of the other rooms.
package answers
