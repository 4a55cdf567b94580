// Package httpapi is the wire: routes, answers, errors, CORS, compression and
// metrics. It reads from a counters.Store and hands what it is sent to a
// Recorder, whose durability is none of its business.
//
// Package conn brings the requests, package records reads what is in their bodies.
// Here is one file per endpoint: benefits_post.go records; benefits_get.go,
// statistics.go and timeline.go are Reads, to which Config.Reads adds others
// (read.go). What fails is told in one way to programs and in another to people
// (failure.go).
package httpapi
