// Package admin serves the person on call, on an address of its own that the
// public must not reach: /metrics in Prometheus text, /healthz (does the process
// still work), /readyz (should it get traffic), /clock (is the clock believed, and
// the word of a person for it) and /debug/pprof.
//
// It knows the other rooms only by what its Subject tells of them.
package admin
