// Package idempotency remembers which batches came, by the keys that their clients gave
// them, and what was answered. So a batch that comes twice, because an answer was lost or
// a proxy tried again, counts once.
//
// A Window has a key from the moment in which its batch is in the store: first as one
// whose batch waits to be durable, then, once that is, as one that is kept, with the body
// and the answer. Whoever sends the key again waits with the first, or gets its answer. It
// has no I/O and no clock: the committing goroutine says what became of batches, and keys
// grow old with the time that servers have run. That is the one time which is certain:
// what a clock shows, or how long a server stood still, neither forgets a key too early
// nor keeps it.
//
// Keys and bodies are known by the first half of their SHA-256. It is not keyed, because
// the next process, and another node, must make the same of them; and it is one for which
// no stranger finds two bodies that look alike.
package idempotency
