// Package httpapi is the wire: routes, JSON, validation, errors, CORS,
// compression. It reads from a counters.Store and hands what it is sent to a
// Recorder, whose durability is none of its business.
//
// One file per endpoint: benefits_post.go, benefits_get.go, statistics.go. The
// way of a body: encoding.go inflates it, decode.go splits it into records and
// has go-json parse them, repeat.go recognises records that differ from the
// one before only in benefit and index, record.go checks the fields.
//
// The way of a connection: accept.go lets it in, connstate.go and linger.go know
// what it is doing and close it. fasthttp serves it until a plain post has come
// (plainpost.go); then an event loop does (eventloop_linux.go), until something
// else comes (handover.go).
package httpapi
